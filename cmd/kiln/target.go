package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
)

// target is where an image goes, and where it may be already: a repository of
// a registry, or an OCI layout folder.
type target interface {
	// published is the image that the target has under the first tag.
	published(context.Context) (push.Found, bool, error)
	// statements are what is attached to an image of the target.
	statements(context.Context, v1.Hash) (recipes.Attached, error)
	// put stores the image or index, what attach makes for it, and the tags.
	put(context.Context, push.Manifest, push.Attach) error
	// repository is the image's name without tag or digest.
	repository() string
	// reference names an image of the target by digest, and tagged by its
	// tags.
	reference(v1.Hash) string
	tagged() []string
	// place tells the target apart from all others on this machine.
	place() (string, error)
}

func registryFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "registry-ca", EnvVars: []string{"KILN_REGISTRY_CA"}, Usage: "PEM `FILE` of authorities that registries are trusted by, besides the machine's"},
		&cli.BoolFlag{Name: "registry-plain-http", Usage: "speak to the registry without TLS (one on a loopback address needs no such flag)"},
	}
}

// mirrorFlags are for commands that read images of registries by digest.
func mirrorFlags() []cli.Flag {
	return []cli.Flag{&cli.StringSliceFlag{
		Name: "registry-mirror", Usage: "`REGISTRY=MIRROR`: ask the mirror, host[:port][/path], first for images of the registry that are named by digest (default: those of kiln.yaml)",
	}}
}

// registryMirrors are the mirrors that flags name for a registry, else those of
// the configuration. Without network but that of named registries there are
// none.
func registryMirrors(c *cli.Context) (map[string][]string, error) {
	mirrors := map[string][]string{}
	if c.Bool("offline") {
		return mirrors, nil
	}
	for _, flag := range c.StringSlice("registry-mirror") {
		host, mirror, _ := strings.Cut(flag, "=")
		if _, err := name.NewRegistry(host); err != nil || host == "" {
			return nil, usagef("--registry-mirror: want REGISTRY=MIRROR, such as docker.io=mirror.corp/docker")
		}
		if _, err := name.NewRepository(mirror + "/x"); err != nil || mirror == "" || strings.Contains(mirror, "://") {
			return nil, withHint{usagef("--registry-mirror: the mirror of %s is no registry", host), "write host[:port][/path], without https://"}
		}
		mirrors[registryHost(host)] = append(mirrors[registryHost(host)], mirror)
	}
	for host, r := range configOf(c).Network.Registries {
		if mirrors[registryHost(host)] == nil {
			mirrors[registryHost(host)] = r.Mirrors
		}
	}
	return mirrors, nil
}

func newRegistry(c *cli.Context, progress func(done, total int64)) (*push.Registry, error) {
	registries := configOf(c).Network.Registries
	cfg := push.Config{PlainHTTP: c.Bool("registry-plain-http"), Keychain: keychain(registries), Progress: progress}
	var err error
	if cfg.Mirrors, err = registryMirrors(c); err != nil {
		return nil, err
	}
	if cache, err := os.UserCacheDir(); err == nil {
		cfg.Locks, cfg.Mounts = filepath.Join(cache, "kiln", "locks"), filepath.Join(cache, "kiln", "mounts")
	}
	for host, r := range registries {
		if r.PlainHTTP {
			cfg.PlainHosts = append(cfg.PlainHosts, registryHost(host))
		}
	}
	if file := c.String("registry-ca"); file != "" {
		ca, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading --registry-ca: %w", err)
		}
		cfg.CA = ca
	}
	if file := configOf(c).Network.CA; file != "" {
		ca, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading authorities: %w", err)
		}
		cfg.CA = append(append(cfg.CA, '\n'), ca...)
	}
	return push.New(cfg)
}

// registryTarget is a repository.
type registryTarget struct {
	registry *push.Registry
	repo     name.Repository
	tags     []string
	// digestTag is a further tag for an image, by its digest in hex; nil where
	// there is none.
	digestTag func(digest string) string
}

// first is the tag by which the image is looked up.
func (t *registryTarget) first() name.Tag { return t.repo.Tag(t.tags[0]) }

// all are the tags for the image of the digest.
func (t *registryTarget) all(digest v1.Hash) []string {
	if t.digestTag == nil {
		return t.tags
	}
	return append(slices.Clone(t.tags), t.digestTag(digest.Hex))
}

// tagsOf are those of --tag, which looks like the example.
func tagsOf(c *cli.Context, example string) ([]string, error) {
	tags := slices.Clone(c.StringSlice("tag"))
	for _, tag := range tags {
		if _, err := name.NewTag("localhost/check:" + tag); err != nil {
			return nil, usagef("--tag: want a tag such as %s, got %q", example, tag)
		}
	}
	return tags, nil
}

// newTarget works out from the flags where the image of r goes: into the
// folder where they name nothing.
func newTarget(c *cli.Context, r *recipes.Recipe, registry *push.Registry, folder string) (target, error) {
	tags, err := tagsOf(c, r.Version)
	if err != nil {
		return nil, err
	}
	for i, tag := range tags {
		tags[i] = r.Tagged(tag)
	}
	if c.String("push") == "" {
		dir := cmp.Or(c.String("oci"), folder)
		return &layoutTarget{dir: filepath.Clean(dir), name: r.Name, tags: append([]string{r.Tag()}, tags...)}, nil
	}
	if c.IsSet("oci") {
		return nil, usagef("kiln build: --push and --oci exclude each other")
	}
	ref, err := name.ParseReference(c.String("push"), name.WithDefaultTag(r.Version))
	if err != nil {
		return nil, usagef("--push: %w", err)
	}
	tag, ok := ref.(name.Tag)
	if !ok {
		return nil, usagef("--push: want a repository or a tag, got the digest %s", ref.Identifier())
	}
	return &registryTarget{registry: registry, repo: tag.Context(), tags: append([]string{r.Tagged(tag.TagStr())}, tags...)}, nil
}

func (t *registryTarget) published(ctx context.Context) (push.Found, bool, error) {
	found, ok, err := t.registry.Lookup(ctx, t.first())
	if err != nil || !ok {
		return found, ok, err
	}
	for _, tag := range t.all(found.Descriptor.Digest)[1:] {
		other, ok, err := t.registry.Lookup(ctx, t.repo.Tag(tag))
		if err != nil || !ok || other.Descriptor.Digest != found.Descriptor.Digest {
			return push.Found{}, false, err
		}
	}
	return found, true, nil
}

func (t *registryTarget) statements(ctx context.Context, d v1.Hash) (recipes.Attached, error) {
	return t.registry.Statements(ctx, t.repo.Digest(d.String()))
}

func (t *registryTarget) put(ctx context.Context, top push.Manifest, attach push.Attach) error {
	digest, err := top.Digest()
	if err != nil {
		return err
	}
	_, err = t.registry.Push(ctx, t.repo, top, attach, t.all(digest))
	return err
}

func (t *registryTarget) repository() string         { return t.repo.Name() }
func (t *registryTarget) reference(d v1.Hash) string { return t.repo.Digest(d.String()).Name() }
func (t *registryTarget) place() (string, error)     { return t.repo.Name(), nil }

func (t *registryTarget) tagged() []string {
	var refs []string
	for _, tag := range t.tags {
		refs = append(refs, t.repo.Tag(tag).Name())
	}
	return refs
}

// layoutTarget is a folder.
type layoutTarget struct {
	dir, name string
	tags      []string
}

func (t *layoutTarget) published(context.Context) (push.Found, bool, error) {
	stored, err := push.ReadLayout(t.dir)
	if errors.Is(err, os.ErrNotExist) {
		return push.Found{}, false, nil
	}
	if err != nil {
		return push.Found{}, false, err
	}
	if slices.ContainsFunc(t.tags, func(tag string) bool { return !slices.Contains(stored.Tags, tag) }) {
		return push.Found{}, false, nil
	}
	found, err := stored.Found()
	return found, err == nil, err
}

func (t *layoutTarget) statements(_ context.Context, d v1.Hash) (recipes.Attached, error) {
	stored, err := push.ReadLayout(t.dir)
	if err != nil {
		return recipes.Attached{}, err
	}
	return stored.Attached(d), nil
}

func (t *layoutTarget) put(ctx context.Context, top push.Manifest, attach push.Attach) error {
	_, err := push.WriteLayout(ctx, t.dir, top, attach, t.tags)
	return err
}

func (t *layoutTarget) repository() string         { return t.name }
func (t *layoutTarget) reference(d v1.Hash) string { return t.dir + "@" + d.String() }
func (t *layoutTarget) place() (string, error)     { return filepath.Abs(t.dir) }

func (t *layoutTarget) tagged() []string {
	var refs []string
	for _, tag := range t.tags {
		refs = append(refs, t.dir+":"+tag)
	}
	return refs
}
