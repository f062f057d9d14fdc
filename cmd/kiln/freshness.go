package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign/policy"
)

// versions are those that the archive has of packages.
type versions interface {
	Newer(name, version string) (archive.Newer, bool)
}

// archiveAway begins what is said where the archive does not answer.
const archiveAway = "the archive could not be asked: "

// freshness compares packages with what the archive has today. It may be used
// by several goroutines.
type freshness struct {
	// index is that of a release for an architecture.
	index func(ctx context.Context, suite, arch string) (versions, error)

	mu     sync.Mutex
	loaded map[string]*loading
}

// loading is an index that one asks for, and others wait for.
type loading struct {
	once func() (versions, error)
	left bool // whether who asked has left before there was an answer
}

// newFreshness asks the archive that the environment names, when it is first
// needed.
func newFreshness(env *environment) *freshness {
	client := sync.OnceValues(func() (*archive.Client, error) {
		store, err := env.blobs()
		if err != nil {
			return nil, err
		}
		return env.archive(store, nil, nil)
	})
	return &freshness{index: func(ctx context.Context, suite, arch string) (versions, error) {
		c, err := client()
		if err != nil {
			return nil, err
		}
		return c.Index(ctx, suite, arch)
	}}
}

// load is index, asked once for each release and architecture: and again by who
// waits for it, where who asked has left.
func (f *freshness) load(ctx context.Context, suite, arch string) (versions, error) {
	for {
		l := f.loading(ctx, suite, arch)
		have, err := l.once()
		if !l.left {
			return have, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// loading is the one under way, or that has come to its end, or a new one.
func (f *freshness) loading(ctx context.Context, suite, arch string) *loading {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := suite + " " + arch
	if l, known := f.loaded[key]; known {
		return l
	}
	l := &loading{}
	l.once = sync.OnceValues(func() (versions, error) {
		have, err := f.index(ctx, suite, arch)
		if l.left = err != nil && ctx.Err() != nil; l.left {
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.loaded, key)
		}
		return have, err
	})
	if f.loaded == nil {
		f.loaded = map[string]*loading{}
	}
	f.loaded[key] = l
	return l
}

// compare finds the packages of which the archive has newer versions. What
// keeps it from asking the archive it says in the result; the error is that of
// a context which has ended.
func (f *freshness) compare(ctx context.Context, suite string, list []recipes.Package) (*policy.Packages, error) {
	facts := &policy.Packages{Count: len(list)}
	common := nativeArch(list)
	for _, p := range list {
		arch := p.Architecture
		if arch == "all" {
			arch = common
		}
		have, err := f.load(ctx, suite, arch)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return &policy.Packages{Count: len(list), Unknown: archiveAway + err.Error()}, nil
		}
		if n, ok := have.Newer(p.Name, p.Version); ok {
			facts.Newer = append(facts.Newer, policy.Newer{
				Name: p.Name, Version: p.Version, Available: n.Newest.Version, Suite: n.Newest.Suite, Security: n.Security,
			})
		}
	}
	slices.SortFunc(facts.Newer, func(a, b policy.Newer) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	facts.Newer = slices.Compact(facts.Newer)
	return facts, nil
}

// nativeArch is the architecture whose index has packages for all: that of the
// first other one.
func nativeArch(list []recipes.Package) string {
	for _, p := range list {
		if p.Architecture != "all" {
			return p.Architecture
		}
	}
	return "amd64"
}
