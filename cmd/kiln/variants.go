package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

func variantFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "variant", Usage: "build the recipe's `VARIANT` in place of the recipe itself; all is both it and all variants"}
}

// chosen loads what --variant names of the recipe that is the command's
// argument, and without it the recipe itself.
func chosen(c *cli.Context) ([]*recipes.Recipe, error) {
	r, err := loadArgument(c)
	if err != nil {
		return nil, err
	}
	names := c.StringSlice("variant")
	switch {
	case len(names) == 0:
		return []*recipes.Recipe{r}, nil
	case slices.Contains(names, recipes.AllVariants):
		return withVariants(r)
	}
	var list []*recipes.Recipe
	for i, name := range names {
		if !slices.Contains(r.Variants, name) {
			return nil, unknownVariant(r, name)
		}
		if slices.Contains(names[:i], name) {
			continue
		}
		v, err := r.InVariant(name)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func unknownVariant(r *recipes.Recipe, name string) error {
	err := usagef("--variant: %s has no variant %q", r.File, name)
	if len(r.Variants) == 0 {
		return withHint{err, "a recipe names them in its `variants`; leave --variant out for the recipe itself"}
	}
	return withHint{err, "it has " + strings.Join(r.Variants, ", ") + "; all is the recipe and these"}
}

// withVariants is the recipe and all its variants.
func withVariants(r *recipes.Recipe) ([]*recipes.Recipe, error) {
	list := []*recipes.Recipe{r}
	for _, name := range r.Variants {
		v, err := r.InVariant(name)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
