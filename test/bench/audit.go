package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/test/made"
)

// auditedImages is how many images the registry has, spread over
// auditedRepositories.
const (
	auditedImages       = 1000
	auditedRepositories = 100
)

// auditing times kiln audit of a registry of signed images, all within a policy,
// on loopback: without anything remembered, and again.
func auditing(ctx context.Context, k *kiln, runs int) (string, error) {
	policy, err := k.fillRegistry(ctx)
	if err != nil {
		return "", err
	}
	cold, err := k.audit(ctx, policy)
	if err != nil {
		return "", err
	}
	log.Printf("kiln audits %d images, first: %.2f s", auditedImages, cold.Seconds())
	var warm []time.Duration
	for range runs {
		d, err := k.audit(ctx, policy)
		if err != nil {
			return "", err
		}
		log.Printf("kiln audits %d images, again: %.2f s, %.0f images/s", auditedImages, d.Seconds(), auditedImages/d.Seconds())
		warm = append(warm, d)
	}
	return auditTable(cold, warm), nil
}

// fillRegistry pushes the images, and returns the file of the policy that they
// are within.
func (k *kiln) fillRegistry(ctx context.Context) (string, error) {
	key, _, err := sign.DevelopmentKey(filepath.Join(k.dir, "audit"))
	if err != nil {
		return "", err
	}
	registry, err := push.New(push.Config{})
	if err != nil {
		return "", err
	}
	var g errgroup.Group
	g.SetLimit(4)
	for n := range auditedImages {
		tag, err := name.NewTag(fmt.Sprintf("%s/audit/service-%d:1.0.%d", k.host, n%auditedRepositories, n/auditedRepositories))
		if err != nil {
			return "", err
		}
		g.Go(func() error {
			_, err := made.Push(ctx, registry, tag, made.Image{
				Recipe: k.recipe(), Key: key, Mark: tag.Name(), Codename: "trixie",
				Packages: map[string]string{"libc6": "2.41-12", "tzdata": "2025b-4+deb13u1", "ca-certificates": "20250419"},
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	file := filepath.Join(k.dir, "audit", "policy.yaml")
	text := "kiln: v1\npolicy: {identities: [{key: " + sign.DevelopmentPublicKeyFile + "}], refuse: [root-user, shell, setuid], max-age: 9999d}\n"
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// audit times one, which must find all images, and that none violates the
// policy. The archive is asked for newer packages.
func (k *kiln) audit(ctx context.Context, policy string) (time.Duration, error) {
	start := time.Now()
	out, err := command(ctx, k.env, k.tool("kiln"), "audit", k.host+"/audit", "--policy", policy, "--format", "json")
	d := time.Since(start)
	if err != nil {
		return 0, err
	}
	var found struct {
		Images []struct {
			Packages struct{ Unknown string }
		}
		Summary struct{ Images, Violating int }
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		return 0, err
	}
	if s := found.Summary; s.Images != auditedImages || s.Violating != 0 {
		return 0, fmt.Errorf("kiln audit found %d images, of which %d violate the policy", s.Images, s.Violating)
	}
	if why := found.Images[0].Packages.Unknown; why != "" {
		return 0, errors.New(why)
	}
	return d, nil
}

// auditTable is the part of the report about it.
func auditTable(cold time.Duration, warm []time.Duration) string {
	again := median(warm)
	return fmt.Sprintf("\n## Auditing\n\n`kiln audit` of a registry with %d signed images in %d repositories, on loopback, held to a policy, with\n"+
		"their packages compared with the archive: first, when every layer and statement is read; and again, when manifests are\n"+
		"read, what is attached is listed, and the registry is asked for every blob.\n\n"+
		"| | time | images/s |\n| --- | ---: | ---: |\n| first | %.2f s | %.0f |\n| again | %s | %.0f |\n",
		auditedImages, auditedRepositories, cold.Seconds(), auditedImages/cold.Seconds(), spread(warm), auditedImages/again.Seconds())
}
