package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/push"
)

// repositories are those that the arguments name: REGISTRY is all that it has,
// REGISTRY/PREFIX those below the prefix, or the one of that name. Where the
// registry does not tell what it has, a prefix is taken for a repository.
func repositories(ctx context.Context, registry *push.Registry, args []string) ([]name.Repository, error) {
	var all []name.Repository
	for _, arg := range args {
		found, err := repositoriesOf(ctx, registry, arg)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b name.Repository) int { return strings.Compare(a.Name(), b.Name()) })
	return slices.Compact(all), nil
}

func repositoriesOf(ctx context.Context, registry *push.Registry, arg string) ([]name.Repository, error) {
	host, prefix, _ := strings.Cut(strings.TrimSuffix(arg, "/"), "/")
	reg, err := name.NewRegistry(host, name.StrictValidation)
	if err != nil {
		return nil, withHint{usagef("kiln audit: %w", err), "name a registry, such as registry.corp, registry.corp/platform or 127.0.0.1:5000"}
	}
	list, err := registry.Repositories(ctx, reg)
	var refused *push.NoCatalogError
	if errors.As(err, &refused) && prefix != "" {
		return givenRepository(ctx, registry, reg.Repo(prefix), err)
	}
	if err != nil {
		return nil, err
	}
	var found []name.Repository
	for _, path := range list {
		if prefix == "" || path == prefix || strings.HasPrefix(path, prefix+"/") {
			found = append(found, reg.Repo(path))
		}
	}
	if len(found) == 0 && prefix != "" {
		return nil, withHint{fmt.Errorf("listing the repositories of %s: there is none named, or below, %s", host, prefix),
			"`--repository` names one that the registry's catalog does not have"}
	}
	return found, nil
}

// givenRepository is the repository, if there is one, and else the error of the
// catalog.
func givenRepository(ctx context.Context, registry *push.Registry, repo name.Repository, refused error) ([]name.Repository, error) {
	if _, err := registry.Tags(ctx, repo); err != nil {
		if !push.Answered(err) {
			return nil, err
		}
		return nil, refused
	}
	return []name.Repository{repo}, nil
}

// repositories are those that the command names, or those of the catalog.
func (a *auditor) repositories(c *cli.Context) ([]name.Repository, error) {
	var list []name.Repository
	for _, given := range c.StringSlice("repository") {
		repo, err := name.NewRepository(given, name.StrictValidation)
		if err != nil {
			return nil, usagef("--repository: %w", err)
		}
		list = append(list, repo)
	}
	found, err := repositories(c.Context, a.registry, c.Args().Slice())
	if err != nil {
		return nil, err
	}
	list = append(list, found...)
	if c.NArg() > 0 || len(list) > 0 {
		return slices.Compact(slices.SortedFunc(slices.Values(list), func(x, y name.Repository) int { return strings.Compare(x.Name(), y.Name()) })), nil
	}
	if a.catalog == nil {
		return nil, withHint{usagef("kiln audit: want a registry"), "name one, such as registry.corp or registry.corp/platform; in a catalog its repositories are audited"}
	}
	for _, e := range a.catalog.Entries {
		repo, err := name.NewRepository(a.catalog.Config.Catalog.RepositoryOf(e.Name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.catalog.Config.File, err)
		}
		list = append(list, repo)
	}
	return list, nil
}
