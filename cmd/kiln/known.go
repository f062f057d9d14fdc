package main

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
)

// findKnown looks components up in the advisories: of several images at once
// where that was not done before with the same advisories. Where there is no
// inventory there is no result.
func findKnown(db *osv.Database, m memo.Dir, list []*scan.Inventory) ([]*scan.Result, error) {
	stamp, err := stampOf(db)
	if err != nil {
		return nil, err
	}
	results, keys := make([]*scan.Result, len(list)), make([]string, len(list))
	var open []int
	var unknown []scan.Inventory
	for i, in := range list {
		if in == nil {
			continue
		}
		if keys[i], err = memo.Key("scan 1", version(), stamp, in); err != nil {
			return nil, err
		}
		if r, ok := memo.Get[*scan.Result](m, keys[i]); ok {
			results[i] = r
			continue
		}
		open, unknown = append(open, i), append(unknown, *in)
	}
	found, err := scan.FindAll(db, unknown)
	if err != nil {
		return nil, err
	}
	for n, i := range open {
		results[i] = found[n]
		if err := memo.Put(m, keys[i], found[n]); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// stampOf changes with the advisories: size and time of each of their files.
func stampOf(db *osv.Database) ([]string, error) {
	names, err := osv.Ecosystems(db.Dir())
	if err != nil {
		return nil, err
	}
	files := []string{filepath.Join(db.Dir(), osv.ExploitedFile)}
	for _, n := range names {
		files = append(files, filepath.Join(db.Dir(), n, "all.zip"))
	}
	var stamp []string
	for _, file := range files {
		if fi, err := os.Stat(file); err == nil {
			stamp = append(stamp, file, fi.ModTime().UTC().Format(time.RFC3339Nano), strconv.FormatInt(fi.Size(), 10))
		}
	}
	return stamp, nil
}
