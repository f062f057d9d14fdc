package main

import (
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

// machinePlatform is that of the containers of this machine.
const machinePlatform = "linux/" + runtime.GOARCH

// choosePlatforms are those of the recipe that are to be built, in its order.
func choosePlatforms(c *cli.Context, r *recipes.Recipe) ([]string, error) {
	chosen := r.Platforms
	if wanted := c.StringSlice("platform"); len(wanted) > 0 {
		for _, p := range wanted {
			if !slices.Contains(r.Platforms, p) {
				return nil, usagef("--platform: %s is not for %s, only for %s", r.Name, p, strings.Join(r.Platforms, ", "))
			}
		}
		chosen = slices.DeleteFunc(slices.Clone(r.Platforms), func(p string) bool { return !slices.Contains(wanted, p) })
	}
	if c.Bool("load") && len(chosen) > 1 && !slices.Contains(chosen, machinePlatform) {
		return nil, usagef("--load: this machine runs %s, and the image is for %s", machinePlatform, strings.Join(chosen, ", "))
	}
	return chosen, nil
}

// index reports whether what is built is an index of images: that is up to the
// recipe, so that its tags are always of one kind.
func (b *build) index() bool { return len(b.recipe.Platforms) > 1 }

// platformError is an error of the build for one of several platforms.
type platformError struct {
	error
	platform string
}

func (e platformError) Unwrap() error { return e.error }

// of says that err is of the build for the platform.
func (b *build) of(platform string, err error) error {
	if err == nil || !b.index() {
		return err
	}
	return platformError{err, platform}
}
