package main

import (
	"context"
	"fmt"
	"log"
	"path/filepath"
	"strings"
	"time"
)

// What kiln build attaches besides the signature, by cosign's names.
var attested = []string{"spdxjson", "slsaprovenance1", "https://in-toto.io/attestation/test-result/v0.1"}

// verifying times the verification of an image with a signature and three
// attestations in the registry: one kiln verify, and what does the same of
// cosign, in turn.
func verifying(ctx context.Context, k *kiln, runs int) (string, error) {
	image, err := command(ctx, k.env, k.tool("kiln"), "build", k.recipe(), "--push", k.host+"/verify/hello", "--key", k.key, "--progress", "plain")
	if err != nil {
		return "", err
	}
	nobody := filepath.Join(k.dir, "nobody.json")
	if _, err := command(ctx, nil, k.tool("cosign"), "trusted-root", "create", "--out", nobody); err != nil {
		return "", err
	}
	public := strings.TrimSuffix(k.key, ".key") + ".pub"
	ways := []struct {
		name     string
		commands [][]string
	}{
		{"cosign", cosignCommands(k.tool("cosign"), image, "--key", public, "--insecure-ignore-tlog=true", "--new-bundle-format", "--trusted-root", nobody)},
		{"kiln", [][]string{{k.tool("kiln"), "verify", image, "--key", public}}},
	}
	results := []result{{pipeline: ways[0].name}, {pipeline: ways[1].name}}
	for range runs {
		for i, way := range ways {
			start := time.Now()
			for _, c := range way.commands {
				if _, err := command(ctx, k.env, c[0], c[1:]...); err != nil {
					return "", err
				}
			}
			d := time.Since(start)
			log.Printf("%s verifies: %.2f s", way.name, d.Seconds())
			results[i].times = append(results[i].times, d)
		}
	}
	return verifyTable(results), nil
}

// cosignCommands verify the signature and each of the attestations.
func cosignCommands(cosign, image string, flags ...string) [][]string {
	commands := [][]string{append([]string{cosign, "verify", image}, flags...)}
	for _, kind := range attested {
		commands = append(commands, append([]string{cosign, "verify-attestation", image, "--type", kind}, flags...))
	}
	return commands
}

// verifyTable is the part of the report about them.
func verifyTable(results []result) string {
	cosign, kiln := find(results, "cosign", ""), find(results, "kiln", "")
	return fmt.Sprintf("\n## Verifying\n\nAn image with a signature and three attestations (SPDX, provenance, tests) in the registry, with a key: `kiln verify`, and\n"+
		"`cosign verify` followed by three `cosign verify-attestation`, all of which read bundles. kiln reads cosign's tags\n"+
		"besides, which hold the same once more.\n\n"+
		"| cosign | kiln | kiln / cosign |\n| ---: | ---: | ---: |\n| %s | %s | %s |\n", spread(cosign), spread(kiln), ratio(kiln, cosign))
}
