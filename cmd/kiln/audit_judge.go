package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sign/policy"
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

// of is the policy as it is held against the image.
func (a *auditor) of(i *audited) *policyRun {
	p := *a.held
	p.published = &published{registry: a.registry, repo: i.place.repo, found: i.place.found}
	return &p
}

// judge holds the image to the policy, and to being readable.
func (a *auditor) judge(i *audited) error {
	if i.Broken != "" {
		i.Rules = append(i.Rules, policy.Result{Rule: ruleReadable, Evidence: i.Broken})
	}
	a.outlived(i)
	if a.held == nil || i.place.err != nil {
		return nil
	}
	facts, err := a.facts(i)
	if err != nil {
		return err
	}
	part := a.held.part(i.Index, len(i.ListedBy) > 0)
	if a.catalog != nil && !i.Index && !slices.Contains(part.Refuse, recipes.RuleEndOfLife) && i.Origin != nil {
		part.Refuse = append(slices.Clone(part.Refuse), recipes.RuleEndOfLife)
	}
	i.Rules = append(i.Rules, policy.Evaluate(&part, facts, a.now)...)
	return nil
}

// facts are what a policy asks about.
func (a *auditor) facts(i *audited) (policy.Facts, error) {
	f := i.evidence.facts()
	if i.Looked {
		f.Image = &policy.Image{Size: i.Size}
		if i.Created != nil {
			f.Image.Created = *i.Created
		}
		for _, x := range i.Findings {
			f.Image.Findings = append(f.Image.Findings, policy.Finding(x))
		}
	}
	f.Packages = &policy.Packages{Count: i.Packages.Count, Newer: i.Packages.Newer, Unknown: i.Packages.Unknown}
	if a.db != nil {
		f.Scan = i.Vulnerabilities.facts(a.now)
		return f, nil
	}
	digest, err := v1.NewHash(i.Digest)
	if err != nil {
		return f, err
	}
	f.Scan, err = a.of(i).scanFacts(i.evidence, digest, i.Platform)
	return f, err
}

// facts are those of a scan that was done now. It is nil where nothing could be
// looked for.
func (v *auditedVulnerabilities) facts(now time.Time) *policy.Scan {
	if v.result == nil {
		return nil
	}
	s := scannedFacts(v.result.Findings)
	s.At, s.Missing = now, slices.Clone(v.Missing)
	newest := ""
	for _, d := range v.result.Databases {
		newest = max(newest, d.Modified)
	}
	if v.result.Exploited == nil {
		s.Missing = append(s.Missing, "known exploited vulnerabilities")
	} else {
		newest = cmp.Or(newest, v.result.Exploited.Modified)
	}
	if v.From == fromDpkg {
		s.Missing = append(s.Missing, "what is not of its Debian packages")
	}
	if t, err := time.Parse(time.RFC3339, newest); err == nil {
		s.Advisories = t
	}
	return s
}

// outlived fills in when the support of the image's version ends: the catalog
// knows more of that than a provenance of old does.
func (a *auditor) outlived(i *audited) {
	if i.Origin == nil {
		return
	}
	if r := a.recipeOf(i); r != nil && r.EOL != "" && r.Version == i.Origin.Version {
		i.Origin.EndOfLife = dayOf(r.EOL)
	}
	if a.catalog != nil {
		i.Origin.Grace = a.catalog.Config.Catalog.EOL.GraceTime()
	}
	if !i.Origin.EndOfLife.IsZero() {
		i.EndOfLife = i.Origin.EndOfLife.Format(time.DateOnly)
	}
}

// recipeOf is the recipe of the catalog that made the image, by its name and
// variant; nil where there is none.
func (a *auditor) recipeOf(i *audited) *recipes.Recipe {
	e := a.entryOf(i)
	if e == nil {
		return nil
	}
	for _, r := range e.All() {
		if i.Origin == nil || r.Variant == i.Origin.Variant {
			return r
		}
	}
	return nil
}

// entryOf is the recipe's entry in the catalog. What nobody knows the origin of
// is known by its repository.
func (a *auditor) entryOf(i *audited) *recipes.Entry {
	if a.catalog == nil {
		return nil
	}
	for _, e := range a.catalog.Entries {
		if i.Origin != nil && e.Name == i.Origin.Name || i.Origin == nil && a.catalog.Config.Catalog.RepositoryOf(e.Name) == i.Repository {
			return e
		}
	}
	return nil
}

// rebuild are the recipes of images that violate a rule, or lack a security
// update, where the recipe is still at that version: to build it again makes a
// better one of the same name.
func (a *auditor) rebuild(list []*audited) matrix {
	m := matrix{Include: []matrixJob{}}
	for _, i := range list {
		r := a.recipeOf(i)
		if r == nil || len(i.violations()) == 0 && i.Packages.security() == 0 {
			continue
		}
		current := i.Origin != nil && i.Origin.Version == r.Version || i.Origin == nil && slices.Contains(i.Tags, r.Tagged(r.Version))
		entry := matrixJob{Name: a.entryOf(i).Name, Recipe: a.entryOf(i).File}
		if current && !slices.Contains(m.Include, entry) {
			m.Include = append(m.Include, entry)
		}
	}
	slices.SortFunc(m.Include, func(x, y matrixJob) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.Recipe, y.Recipe))
	})
	return m
}

// sum counts.
func (out *audit) sum(repositories int) {
	out.Summary = summed{Repositories: repositories, Images: len(out.Images)}
	s := &out.Summary
	for _, i := range out.Images {
		for _, c := range []struct {
			n  *int
			is bool
		}{
			{&s.Violating, len(i.violations()) > 0}, {&s.Broken, i.Broken != ""}, {&s.UnknownMaker, i.Origin == nil},
			{&s.Unsigned, i.Signature.State == signatureNone || i.Signature.State == signatureOther},
			{&s.Outdated, len(i.Packages.Newer) > 0}, {&s.Vulnerable, len(i.Vulnerabilities.open()) > 0},
		} {
			if c.is {
				*c.n++
			}
		}
	}
}
