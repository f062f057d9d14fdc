// Package upstream finds the newest version of a service where a recipe says
// that versions are listed: at a module proxy, an npm registry, a git
// repository, a page, or in the Debian archive. What they answer is taken for
// hostile.
//
// It changes nothing and downloads no sources. Start at [Finder.Find].
package upstream

import (
	"context"
	"fmt"
	"net/http"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
)

// Finder asks for versions.
type Finder struct {
	HTTP *http.Client
	// Modules lists the versions of a Go module.
	Modules func(ctx context.Context, module string) ([]string, error)
	// Npm is the URL of the npm registry; it is asked for only where it is
	// needed.
	Npm func(ctx context.Context) (string, error)
	// Git is the environment that git is run in.
	Git []string
	// Debian finds the newest version of a source package.
	Debian func(ctx context.Context, release, name, suite string) (archive.Source, error)
}

// Version is one that upstream has.
type Version struct {
	// Text is the version as a recipe has it.
	Text string
	// Full is the whole version of a Debian source package.
	Full string
	// Tag is the name of a git tag, and Commit the commit that it is of.
	Tag, Commit string
}

// Found is the newest version in the channel.
type Found struct {
	Version
	// Order is how it compares with the recipe's: 1 is newer, 0 the same, and
	// -1 older.
	Order int
}

// Find returns the newest version of the recipe's service that is wanted: in
// the channel, not ignored, and no prerelease unless they are wanted.
func (f *Finder) Find(ctx context.Context, r *recipes.Recipe, u recipes.Update) (Found, error) {
	list, order, err := f.list(ctx, r, u)
	if err == nil {
		var found Found
		if found, err = choose(r.Version, u, list, order); err == nil {
			return found, nil
		}
	}
	return Found{}, fmt.Errorf("looking for versions of %s %s: %w", u.Kind(), u.Subject(), err)
}

// list asks for all versions.
func (f *Finder) list(ctx context.Context, r *recipes.Recipe, u recipes.Update) ([]Version, order, error) {
	switch u.Kind() {
	case recipes.KindGo:
		list, err := f.modules(ctx, u.Go)
		return list, semantic{}, err
	case recipes.KindNpm:
		list, err := f.npm(ctx, u.Npm)
		return list, semantic{}, err
	case recipes.KindGit:
		list, err := f.tags(ctx, u.Git, u.Tags)
		return list, plain{}, err
	case recipes.KindPage:
		list, err := f.page(ctx, u.Page, u.Regexp)
		return list, plain{}, err
	case recipes.KindDebian:
		list, err := f.debian(ctx, r, u.Debian)
		return list, plain{}, err
	}
	return nil, nil, fmt.Errorf("the recipe does not say where they are")
}
