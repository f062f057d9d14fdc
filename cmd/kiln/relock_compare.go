package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sbom/vex"
	"github.com/kiln-build/kiln/sign"
)

// madeFrom is what a published image was made from, by its provenance.
type madeFrom struct {
	published  *published
	provenance sign.Statement
	recipe     *recipes.Recipe
	lock       *recipes.Lock
	// licenses are those of the image's Debian packages.
	licenses map[string]string
}

// relock locks a recipe afresh and compares.
func (k *relocking) relock(res *relocked) error {
	ctx := k.cli.Context
	from, err := k.read(ctx, res)
	if err != nil {
		return err
	}
	res.Image = from.published.reference().Name()
	now, err := k.lock(ctx, res, from)
	if err != nil {
		return err
	}
	d, err := lockDiff(from.lock, now)
	if err != nil {
		return err
	}
	res.Lock, res.RecipeChanged = &d, string(from.recipe.Essence()) != string(res.recipe.Essence())
	res.Changed, res.Status = d.Changed || res.RecipeChanged, relockSame
	if !res.Changed {
		return k.attest(ctx, res, from, now)
	}
	res.Status = relockChanged
	if err := k.explain(ctx, res, from, now); err != nil {
		return err
	}
	res.Body = res.markdown()
	return k.write(res, now)
}

// read takes recipe and lock from the published image. Its provenance must
// verify.
func (k *relocking) read(ctx context.Context, res *relocked) (*madeFrom, error) {
	image, err := k.imageOf(res)
	if err != nil {
		return nil, err
	}
	m := &madeFrom{}
	if m.published, err = findPublished(k.cli, k.registry, image); err != nil {
		return nil, err
	}
	p := m.published
	attached, err := p.statements(ctx, p.digest())
	if err != nil {
		return nil, err
	}
	report, err := sign.Verify(ctx, p.digest(), attached, k.who, []string{sign.PredicateProvenance})
	if err != nil {
		return nil, err
	}
	m.provenance, _ = report.Statement(sign.PredicateProvenance)
	origin, err := sign.OriginOf(m.provenance.Predicate)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p.reference(), err)
	}
	if origin.Variant != res.Variant {
		return nil, fmt.Errorf("reading %s: it is of the variant %q, want %q", p.reference(), origin.Variant, res.Variant)
	}
	if m.recipe, err = recipes.ParseVariant(res.Recipe, origin.Variant, origin.Recipe); err != nil {
		return nil, fmt.Errorf("reading the recipe of %s: %w", p.reference(), err)
	}
	if m.recipe.Name != res.Name {
		return nil, fmt.Errorf("reading %s: it is of the recipe %s, want %s", p.reference(), m.recipe.Name, res.Name)
	}
	if m.lock, err = recipes.ParseLock(p.reference().Name(), origin.Lock); err != nil {
		return nil, fmt.Errorf("reading the lock of %s: %w", p.reference(), err)
	}
	return m, nil
}

// lock locks the recipe as the world is now. What the published lock answers is
// not fetched again.
func (k *relocking) lock(ctx context.Context, res *relocked, from *madeFrom) (*recipes.Lock, error) {
	l, err := newLocking(k.cli, k.env, res.recipe)
	if err != nil {
		return nil, err
	}
	l.was = from.lock
	l.sparing = from.lock.Fits(res.recipe) == nil
	return l.lock(ctx)
}

// write writes the lock, where --write asks for it and the recipe's has not it
// already.
func (k *relocking) write(res *relocked, now *recipes.Lock) error {
	if !k.cli.Bool("write") {
		return nil
	}
	file := res.recipe.LockPath()
	if old, err := recipes.ReadLock(file); err == nil {
		if same, err := samePins(old, now); err != nil || same {
			return err
		}
	}
	text, err := now.Marshal()
	if err != nil {
		return err
	}
	if err := writeWhole(file, text); err != nil {
		return fmt.Errorf("writing lock: %w", err)
	}
	res.Written = file
	return nil
}

// attest says that nothing has changed, where --attest asks for it.
func (k *relocking) attest(ctx context.Context, res *relocked, from *madeFrom, now *recipes.Lock) error {
	if k.signer == nil {
		return nil
	}
	who, err := k.signer.who(ctx)
	if err != nil {
		return err
	}
	predicate, err := sign.Checked(sign.CheckedInput{
		CheckerID: localBuilder, Kiln: version(), Provenance: from.provenance.Predicate, Archives: now.Archives,
	})
	if err != nil {
		return err
	}
	p := from.published
	attach := k.signer.attest(p.repo.Name(), sign.Statement{PredicateType: sign.PredicateChecked, Predicate: predicate})
	if err := p.attach(ctx, []v1.Descriptor{p.found.Descriptor}, attach); err != nil {
		return err
	}
	res.SignedBy = who.String()
	return nil
}

// explain adds what a new lock does to licenses and vulnerabilities.
func (k *relocking) explain(ctx context.Context, res *relocked, from *madeFrom, now *recipes.Lock) error {
	if err := k.ships(ctx, from); err != nil {
		return err
	}
	if err := k.licenses(ctx, res, from, now); err != nil {
		return err
	}
	if k.db == nil {
		return nil
	}
	old, err := k.findings(from.recipe, from.lock, res.recipe, from.licenses)
	if err != nil {
		return err
	}
	found, err := k.findings(res.recipe, now, res.recipe, from.licenses)
	if err != nil {
		return err
	}
	res.Vulnerabilities = &vulnerabilityChange{
		Closed: without(old.Findings, found.Findings), Opened: without(found.Findings, old.Findings), Missing: found.Missing,
	}
	return nil
}

// ships finds out which Debian packages the image, or an index's images, hold:
// more than the lock's, by the libraries that programs need.
func (k *relocking) ships(ctx context.Context, m *madeFrom) error {
	p := m.published
	at := &shelf{name: p.reference().Name(), found: p.found, read: p.statements, image: p.image, repository: p.repo.Name()}
	images := []v1.Descriptor{p.found.Descriptor}
	if len(p.found.Manifests) > 0 {
		images = at.listed()
	}
	m.licenses = map[string]string{}
	for _, d := range images {
		doc, err := at.describes(ctx, d.Digest, &k.who)
		if err != nil {
			return err
		}
		maps.Copy(m.licenses, sbom.DebianLicenses(doc))
	}
	return nil
}

// licenses compares those of packages of the image that changed: as the image's
// document declares them, and as the new package's copyright file does.
func (k *relocking) licenses(ctx context.Context, res *relocked, from *madeFrom, now *recipes.Lock) error {
	changed := map[string]bool{}
	for _, c := range res.Lock.Pinned {
		name, _, _ := strings.Cut(c.Name, ":")
		if _, ships := from.licenses[name]; ships && c.What == recipes.ChangePackage && c.To != "" {
			changed[name] = true
		}
	}
	store, err := k.env.blobs()
	if err != nil {
		return err
	}
	debian, err := k.env.archive(store, nil, nil)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		pkg, ok := packageNamed(now, name)
		if !ok {
			continue
		}
		if err := debian.Fetch(ctx, archive.FilesOf([]recipes.Package{pkg})); err != nil {
			return err
		}
		deb, file, err := archive.OpenDebFile(store.Path(pkg.SHA256))
		if err != nil {
			return err
		}
		text, err := deb.Copyright()
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		if to := sbom.DebianLicense(pkg, text); to != from.licenses[name] {
			res.Licenses = append(res.Licenses, licenseChange{name, from.licenses[name], to})
		}
	}
	return nil
}

// packageNamed is the package of the first platform that has it.
func packageNamed(l *recipes.Lock, name string) (recipes.Package, bool) {
	for _, p := range l.Platforms {
		for _, pkg := range slices.Concat(p.Image, p.Build) {
			if pkg.Name == name {
				return pkg, true
			}
		}
	}
	return recipes.Package{}, false
}

// findings are those about what a lock puts into the image, and about packages
// that the image takes from the build, which are called as in ships. What the
// recipe's statements suppress does not count.
func (k *relocking) findings(r *recipes.Recipe, l *recipes.Lock, stated *recipes.Recipe, ships map[string]string) (*scan.Result, error) {
	statements, err := stated.ReadVEX()
	if err != nil {
		return nil, err
	}
	all := &scan.Result{}
	for _, p := range l.Platforms {
		in, err := scan.OfLock(r, withShipped(l, ships), p.Platform)
		if err != nil {
			return nil, err
		}
		found, err := scan.Find(k.db, in)
		if err != nil {
			return nil, err
		}
		if statements != nil {
			found.Apply(vex.Statements(statements), today())
		}
		all.Findings = append(all.Findings, found.Findings...)
		all.Missing = append(all.Missing, found.Missing...)
	}
	slices.Sort(all.Missing)
	all.Missing = slices.Compact(all.Missing)
	all.Findings = slices.DeleteFunc(all.Findings, func(f scan.Finding) bool { return f.Suppressed != nil })
	return all, nil
}

// withShipped is the lock with those packages of the build among the image's
// that the image holds.
func withShipped(l *recipes.Lock, ships map[string]string) *recipes.Lock {
	more := *l
	more.Platforms = slices.Clone(l.Platforms)
	for i, p := range l.Platforms {
		_, arch, _ := strings.Cut(p.Platform, "/")
		for _, pkg := range p.Build {
			_, shipped := ships[pkg.Name]
			has := slices.ContainsFunc(p.Image, func(o recipes.Package) bool { return o.Name == pkg.Name })
			if shipped && !has && (pkg.Architecture == arch || pkg.Architecture == "all") {
				more.Platforms[i].Image = append(slices.Clip(more.Platforms[i].Image), pkg)
			}
		}
	}
	return &more
}

// without are the findings of a that are not in b: of another vulnerability, or
// about another component in whatever version. Each is there once.
func without(a, b []scan.Finding) []scan.Finding {
	list := []scan.Finding{}
	same := func(f scan.Finding) func(scan.Finding) bool {
		return func(o scan.Finding) bool { return o.ID == f.ID && o.Component.Name == f.Component.Name }
	}
	for _, f := range a {
		if !slices.ContainsFunc(b, same(f)) && !slices.ContainsFunc(list, same(f)) {
			list = append(list, f)
		}
	}
	return list
}
