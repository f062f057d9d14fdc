package main

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/sbom/scan"
)

// scan looks the images' components up in the advisories.
func (a *auditor) scan(list []*audited) error {
	if a.db == nil {
		for _, i := range list {
			i.Vulnerabilities.Unknown = "no folder of advisories was named"
		}
		return nil
	}
	inventories := make([]*scan.Inventory, len(list))
	for n, i := range list {
		inventories[n] = i.toScan()
	}
	results, err := findKnown(a.db, a.memo, inventories)
	if err != nil {
		return err
	}
	for n, i := range list {
		i.Vulnerabilities.result = results[n]
		if err := a.applyVEX(i); err != nil {
			return err
		}
	}
	return nil
}

// toScan are the components of the image, and where they are known from.
func (i *audited) toScan() *scan.Inventory {
	v := &i.Vulnerabilities
	suite, why := i.suiteOf()
	switch {
	case i.Index:
		v.Unknown = "an index has none but those of its images"
	case i.inventory != nil:
		v.From = fromSPDX
		return i.inventory
	case i.Packages.From != fromDpkg:
		v.Unknown = "no signed SBOM and no dpkg database says what is in it"
	case why != "":
		v.Unknown = why
	default:
		v.From = fromDpkg
		in := scan.OfInstalled(i.contents.Packages, suite)
		return &in
	}
	return nil
}

// applyVEX applies what those said who signed the image.
func (a *auditor) applyVEX(i *audited) error {
	v := &i.Vulnerabilities
	if v.result == nil {
		return nil
	}
	if a.held != nil && i.Digest != "" {
		digest, err := v1.NewHash(i.Digest)
		if err != nil {
			return err
		}
		statements, err := a.of(i).vexStatements(i.evidence, digest, i.Platform)
		if err != nil {
			return err
		}
		v.result.Apply(statements, a.now.UTC().Format(time.DateOnly))
	}
	v.Findings, v.Unmatched, v.Missing = v.result.Findings, len(v.result.Unmatched), v.result.Missing
	return nil
}
