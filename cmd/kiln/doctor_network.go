package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
)

// suite and arch are what the recipe is built from, or recipes usually are.
func (d *doctor) suite() (suite, arch string) {
	if d.recipe == nil {
		return recipes.DefaultSuite, "amd64"
	}
	_, arch, _ = strings.Cut(d.recipe.Platforms[0], "/")
	return d.recipe.Suite, arch
}

func (d *doctor) index(ctx context.Context) (*archive.Index, error) {
	store, err := d.env.blobs()
	if err != nil {
		return nil, err
	}
	client, err := d.env.archive(store, nil, nil)
	if err != nil {
		return nil, err
	}
	suite, arch := d.suite()
	x, err := client.Index(ctx, suite, arch)
	return x, err
}

// archives are read as a build does: signed, and not expired.
func (d *doctor) archives(ctx context.Context) {
	x, err := d.index(ctx)
	if err != nil {
		d.fail("archive", "check the network, or name another mirror with --mirror URL", err)
		return
	}
	const old = 30 * 24 * time.Hour
	newest := time.Time{}
	for _, a := range x.Archives() {
		if t, err := time.Parse(time.RFC3339, a.Date); err == nil && t.After(newest) {
			newest = t
		}
	}
	suite, _ := d.suite()
	if age := time.Since(newest); age > old {
		d.warn("archive", "use another mirror: --mirror URL", "the newest part of %s is %d days old; the mirror may not be updated", suite, age/(24*time.Hour))
		return
	}
	d.ok("archive", "%s is signed, the newest part of %s", suite, newest.Format(time.DateOnly))
}

// clock compares this machine's clock with that of a mirror.
func (d *doctor) clock(ctx context.Context) {
	mirrors, err := d.env.mirrorURLs(nil)
	if err != nil || len(mirrors[archive.Debian]) == 0 {
		return // archives said why
	}
	_, header, err := head(ctx, mirrors[archive.Debian][0]+"/dists/")
	if err != nil {
		return
	}
	theirs, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	const some, much = 2 * time.Minute, time.Hour
	fix := "set the clock: timedatectl set-ntp true"
	switch skew := time.Since(theirs).Abs().Round(time.Second); {
	case skew > much:
		d.fail("clock", fix, fmt.Errorf("this machine's clock differs from the mirror's by %s; signatures and certificates seem expired", skew))
	case skew > some:
		d.warn("clock", fix, "this machine's clock differs from the mirror's by %s", skew)
	default:
		d.ok("clock", "agrees with the mirror's")
	}
}

// head asks for a URL's status and header.
func head(ctx context.Context, url string) (status string, header http.Header, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return "", nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", nil, err
	}
	return resp.Status, resp.Header, resp.Body.Close()
}

// goProxy asks the first proxy for a module that every proxy has.
func (d *doctor) goProxy(ctx context.Context) {
	const module = "/golang.org/x/mod/@v/v0.1.0.mod"
	proxy, _, _ := strings.Cut(strings.ReplaceAll(d.env.goEnv()["GOPROXY"], "|", ","), ",")
	if !strings.Contains(proxy, "://") {
		d.warn("go", "set GOPROXY to the module proxy's URL", "GOPROXY is %q, so that Go modules come from no proxy", proxy)
		return
	}
	d.answers(ctx, "go", "module proxy", strings.TrimSuffix(proxy, "/")+module, "check GOPROXY, HTTPS_PROXY and SSL_CERT_FILE")
}

// npm asks the registry where the recipe has to do with npm.
func (d *doctor) npm(ctx context.Context) {
	if d.recipe == nil || !hasStep(d.recipe, recipes.KindNpm) {
		return
	}
	registry, err := npmRegistry(ctx)
	if err != nil {
		d.fail("npm", "", err)
		return
	}
	d.answers(ctx, "npm", "npm registry", strings.TrimSuffix(registry, "/")+"/semver", "check npm_config_registry, HTTPS_PROXY and SSL_CERT_FILE")
}

func (d *doctor) answers(ctx context.Context, check, what, url, fix string) {
	status, _, err := head(ctx, url)
	var wrapped interface{ Unwrap() error }
	switch {
	case errors.As(err, &wrapped): // of the URL only what is wrong with it: it may hold a password
		d.fail(check, fix, fmt.Errorf("asking the %s: %w", what, wrapped.Unwrap()))
	case err != nil:
		d.fail(check, fix, fmt.Errorf("asking the %s: %w", what, err))
	case status >= "4": // 4xx and 5xx
		d.fail(check, fix, fmt.Errorf("the %s answers with %s", what, status))
	default:
		d.ok(check, "the %s answers", what)
	}
}

// registry is that of --push.
func (d *doctor) registry(context.Context) {
	target := d.cli.String("push")
	if target == "" {
		return
	}
	ref, err := name.ParseReference(target)
	if err != nil {
		d.fail("registry", "write --push REPOSITORY[:TAG]", err)
		return
	}
	registry, err := newRegistry(d.cli, nil)
	if err != nil {
		d.fail("registry", "", err)
		return
	}
	if anonymous, err := registry.Anonymous(ref); err == nil && anonymous {
		d.warn("registry", "`docker login "+ref.Context().RegistryStr()+"` saves some", "there are no credentials for %s", ref.Context().RegistryStr())
	}
	if err := registry.MayPush(ref); err != nil {
		d.fail("registry", "`docker login "+ref.Context().RegistryStr()+"`, or --registry-ca FILE", err)
		return
	}
	d.ok("registry", "%s takes a push", ref.Context())
}

// lock is the recipe's: there, fitting, and of packages that can be had.
func (d *doctor) lock(ctx context.Context) {
	if d.recipe == nil {
		return
	}
	relock := "`kiln lock " + d.recipe.File + "` locks it afresh"
	l, err := recipes.ReadLock(d.recipe.LockPath())
	switch {
	case errors.Is(err, os.ErrNotExist):
		d.warn("lock", "`kiln lock "+d.recipe.File+"` makes it; commit it", "%s has no lock", d.recipe.File)
		return
	case err != nil:
		d.fail("lock", relock, err)
		return
	}
	if err := l.Fits(d.recipe); err != nil {
		d.fail("lock", relock, err)
		return
	}
	d.ok("lock", "fits the recipe")
	x, err := d.index(ctx)
	if err != nil {
		return // archives said why
	}
	_, arch := d.suite()
	gone := superseded(x, l, arch)
	if len(gone) > 0 {
		d.warn("packages", relock+"; a build takes older versions from snapshot.debian.org where it can",
			"%s of the lock left the archive, such as %s", plural(len(gone), "package"), gone[0])
		return
	}
	d.ok("packages", "the archive has all that are locked")
}

// superseded are the locked packages of an architecture that the archive has
// in other versions only.
func superseded(x *archive.Index, l *recipes.Lock, arch string) []string {
	var gone []string
	for _, p := range l.Platforms {
		for _, pkg := range slices.Concat(p.Build, p.Image) {
			if pkg.Architecture != arch && pkg.Architecture != "all" {
				continue
			}
			known := slices.ContainsFunc(x.Versions(pkg.Name), func(have recipes.Package) bool { return have.SHA256 == pkg.SHA256 })
			if s := pkg.Name + " " + pkg.Version; !known && !slices.Contains(gone, s) {
				gone = append(gone, s)
			}
		}
	}
	return gone
}
