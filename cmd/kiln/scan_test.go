package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
)

// advisories FOLDER ECOSYSTEM FILE...: puts the files into the ecosystem's
// archive in the folder, with a time in place of "{{N days ago}}".
func advisories(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: advisories FOLDER ECOSYSTEM FILE...")
	}
	dir := filepath.Join(ts.MkAbs(args[0]), args[1])
	ts.Check(os.MkdirAll(dir, 0o700))
	f, err := os.Create(filepath.Join(dir, "all.zip"))
	ts.Check(err)
	defer f.Close()
	z := zip.NewWriter(f)
	ago := regexp.MustCompile(`\{\{(\d+) days ago\}\}`)
	for _, name := range args[2:] {
		w, err := z.Create(filepath.Base(name))
		ts.Check(err)
		text := ago.ReplaceAllStringFunc(ts.ReadFile(name), func(found string) string {
			days, err := strconv.Atoi(ago.FindStringSubmatch(found)[1])
			ts.Check(err)
			return time.Now().UTC().AddDate(0, 0, -days).Format(time.RFC3339)
		})
		_, err = w.Write([]byte(text))
		ts.Check(err)
	}
	ts.Check(z.Close())
}

func TestScanSARIF(t *testing.T) {
	found := []scan.Finding{
		{ID: "GO-1", Aliases: []string{"CVE-1"}, Summary: "x <y>", Severity: osv.Rating{Level: osv.High, Score: 7.5}, Fixed: "1.0.0", URL: "https://example.com/GO-1",
			Component: scan.Component{Ecosystem: "Go", Name: "a", Version: "0.1.0", PURLs: []string{"pkg:golang/a@v0.1.0"}}},
		{ID: "GO-2", URL: "https://example.com/GO-2", Severity: osv.Rating{Level: osv.Unknown}, Suppressed: &scan.Statement{Status: recipes.VEXNotAffected, Reason: "y", From: "z"}},
	}
	standard := sarifSchema(t)
	for _, all := range [][]*scanned{nil, {{Target: "127.0.0.1:5000/a@sha256:00", Result: &scan.Result{Findings: found}}, {Target: "r.yaml", file: "r.yaml", Result: &scan.Result{Findings: found[:1]}}}} {
		var b bytes.Buffer
		if err := scanSARIF(&b, all); err != nil {
			t.Fatal(err)
		}
		checkSARIF(t, standard, b.Bytes())
	}
}
