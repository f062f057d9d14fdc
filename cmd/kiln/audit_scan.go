package main

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
)

// scan looks the images' components up in the advisories, all at once where that
// was not done before with the same advisories.
func (a *auditor) scan(list []*audited) error {
	if a.db == nil {
		for _, i := range list {
			i.Vulnerabilities.Unknown = "no folder of advisories was named"
		}
		return nil
	}
	stamp, err := a.dbStamp()
	if err != nil {
		return err
	}
	var open []*audited
	var keys []string
	for _, i := range list {
		in := i.toScan()
		if in == nil {
			continue
		}
		key, err := memo.Key("audit scan 1", version(), stamp, in)
		if err != nil {
			return err
		}
		if r, ok := memo.Get[*scan.Result](a.memo, key); ok {
			i.Vulnerabilities.result = r
			continue
		}
		open, keys = append(open, i), append(keys, key)
	}
	if err := a.find(open, keys); err != nil {
		return err
	}
	for _, i := range list {
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

func (a *auditor) find(open []*audited, keys []string) error {
	var inventories []scan.Inventory
	for _, i := range open {
		inventories = append(inventories, *i.toScan())
	}
	results, err := scan.FindAll(a.db, inventories)
	if err != nil {
		return err
	}
	for n, i := range open {
		i.Vulnerabilities.result = results[n]
		if err := memo.Put(a.memo, keys[n], results[n]); err != nil {
			return err
		}
	}
	return nil
}

// dbStamp changes with the advisories: size and time of each of their files.
func (a *auditor) dbStamp() ([]string, error) {
	var stamp []string
	names, err := osv.Ecosystems(a.db.Dir())
	if err != nil {
		return nil, err
	}
	for _, n := range append(names, "") {
		file := filepath.Join(a.db.Dir(), n, "all.zip")
		if n == "" {
			file = filepath.Join(a.db.Dir(), osv.ExploitedFile)
		}
		if fi, err := os.Stat(file); err == nil {
			stamp = append(stamp, file, fi.ModTime().UTC().Format(time.RFC3339Nano), strconv.FormatInt(fi.Size(), 10))
		}
	}
	return stamp, nil
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
