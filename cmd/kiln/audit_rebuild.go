package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/kiln-build/kiln/recipes"
)

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
