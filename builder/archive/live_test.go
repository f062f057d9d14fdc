package archive

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/recipes"
)

// hostClient reads the archive through the host's own mirrors.
func hostClient(t testing.TB, dir string) *Client {
	t.Helper()
	mirrors, err := HostMirrors("/")
	if err != nil {
		t.Fatal(err)
	}
	if len(mirrors[Debian]) == 0 || len(mirrors[Security]) == 0 {
		t.Skip("apt on this host is not configured with a mirror of the Debian archive and its security updates")
	}
	keyring, err := DefaultKeyring("/")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := blobs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{Mirrors: mirrors, Keyring: keyring, Cache: cache, IndexDir: dir, MaxAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// buildSeeds are the seeds of a build environment for Go and C.
var buildSeeds = []string{
	"golang-1.27-go/trixie-backports", "gcc", "g++", "make", "libc6-dev", "libssl-dev",
	"libpcre2-dev", "zlib1g-dev", "ca-certificates", "pkg-config",
}

// hostIndex loads trixie. Where the mirror is stale, it is read as of the
// last moment at which it was not: its age is not what is tested.
func hostIndex(t testing.TB, c *Client, arch string) *Index {
	t.Helper()
	x, err := c.Index(t.Context(), "trixie", arch)
	var expired *ExpiredError
	if errors.As(err, &expired) {
		t.Logf("the mirror is stale: %v", err)
		c.now = func() time.Time { return expired.ValidUntil.Add(-24 * time.Hour) }
		x, err = c.Index(t.Context(), "trixie", arch)
	}
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestRealArchive(t *testing.T) {
	c := hostClient(t, t.TempDir())
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			start := time.Now()
			hostIndex(t, c, arch)
			cold := time.Since(start)
			start = time.Now()
			x := hostIndex(t, c, arch)
			warm := time.Since(start)
			start = time.Now()
			res, err := x.Resolve(Request{Seeds: buildSeeds, Essential: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("cold %v, warm %v, resolve %v: %d packages", cold, warm, time.Since(start), len(res.Packages))
			checkClosure(t, res, arch)
		})
	}
}

func checkClosure(t *testing.T, res Resolution, arch string) {
	t.Helper()
	if got := len(res.Archives); got != 4 {
		t.Errorf("got %d suites, want release, updates, security and backports", got)
	}
	var essential []string
	for _, p := range res.Packages {
		if p.Architecture != arch && p.Architecture != "all" {
			t.Errorf("%s is for %s", p.Name, p.Architecture)
		}
		if p.Essential {
			essential = append(essential, p.Name)
		}
	}
	for _, name := range []string{"dpkg", "libc6", "tar", "perl-base", "mawk"} {
		if !slices.Contains(essential, name) {
			t.Errorf("%s is not among what dpkg needs: %v", name, essential)
		}
	}
	i := slices.IndexFunc(res.Packages, func(p recipes.Package) bool { return p.Name == "golang-1.27-go" })
	if i < 0 || res.Packages[i].Suite != "trixie-backports" {
		t.Errorf("golang-1.27-go is not there from trixie-backports")
	}
}
