package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes/site"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

// packagesOf are those of the SPDX documents of all platforms, each once.
func packagesOf(r *seenRelease) site.Packages {
	p := site.Packages{Coverage: -1}
	platforms := map[sbom.Shipped][]string{}
	for i, img := range r.images {
		text, ok := img.statement(sign.PredicateSPDX)
		if !ok {
			return site.Packages{Why: "No SPDX document verifies, so nothing is known of what is in the image.", Coverage: -1}
		}
		list, coverage, err := sbom.ShippedOf(text)
		if err != nil {
			return site.Packages{Why: "The signed SPDX document cannot be read.", Coverage: -1}
		}
		if i == 0 || coverage < p.Coverage {
			p.Coverage = coverage
		}
		for _, c := range list {
			if at := platforms[c]; !slices.Contains(at, r.Images[i].Platform) {
				platforms[c] = append(at, r.Images[i].Platform)
			}
		}
	}
	for c, on := range platforms {
		if len(on) == len(r.images) {
			on = nil
		}
		p.List = append(p.List, site.Package{Name: c.Name, Version: c.Version, License: c.License, Platforms: on})
	}
	slices.SortFunc(p.List, func(a, b site.Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version), strings.Compare(a.License, b.License))
	})
	return p
}

// provenanceOf is what the one of the release says that verifies.
func provenanceOf(r *seenRelease) site.Provenance {
	text, ok := r.top.statement(sign.PredicateProvenance)
	if !ok {
		return site.Provenance{Why: "No provenance verifies, so nothing is known of how the image was made."}
	}
	o, err := sign.OriginOf(text)
	if err != nil {
		return site.Provenance{Why: "A provenance verifies, but " + strings.TrimPrefix(err.Error(), "reading provenance: ") + "."}
	}
	p := site.Provenance{
		Builder: o.Builder, Kiln: o.Kiln, BuildKit: o.BuildKit, Key: o.Key, Recipe: string(o.Recipe), Rebuilt: r.top.Rebuilt,
		RecipeDigest: "sha256:" + digestOf(o.Recipe), LockDigest: "sha256:" + digestOf(o.Lock),
	}
	for _, d := range o.Dependencies {
		if fetched := slices.Contains(d.Roles, "fetched"); fetched || slices.Contains(d.Roles, "source") {
			p.Sources = append(p.Sources, site.Source{Name: d.Name, URI: d.URI, Digest: d.Digest, Fetched: fetched})
		}
	}
	return p
}

// testsOf are the results that the statement of the release has. Where several
// verify, one that says that tests failed counts.
func testsOf(r *seenRelease) site.Tests {
	t := site.Tests{Why: "No test results verify."}
	for _, statement := range r.top.Statements {
		if statement.PredicateType != sign.PredicateTestResult {
			continue
		}
		said, err := sign.TestsOf(statement.Predicate)
		names, err2 := sign.TestNamesOf(statement.Predicate)
		if err != nil || err2 != nil {
			return site.Tests{Why: "A signed test result cannot be read."}
		}
		if t.Why == "" && said.Result != sign.ResultFailed {
			continue
		}
		t = site.Tests{Result: said.Result, None: names.None}
		for _, name := range names.Passed {
			t.Passed = append(t.Passed, site.Test{Name: name})
		}
		for _, name := range names.Warned {
			t.NotRun = append(t.NotRun, site.Test{Name: name, Reason: names.NotRun[name]})
		}
		for _, name := range names.Failed {
			t.Failed = append(t.Failed, site.Test{Name: name})
		}
	}
	return t
}
