package builder

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/source"
	"github.com/kiln-build/kiln/recipes"
)

const localRecipe = `kiln: v1
name: tiny
version: "1"
summary: A test
license: MIT
sources:
  - local: .
build:
  toolchain: TOOLCHAIN
  packages: PACKAGES
  steps:
    - run: "true"
image:
  base: static
  packages: DATA
  entrypoint: [/usr/bin/tiny]
`

func tiny(t testing.TB, toolchain, packages, data string) *recipes.Recipe {
	t.Helper()
	file := filepath.Join(t.TempDir(), "recipe.yaml")
	text := strings.NewReplacer("TOOLCHAIN", toolchain, "PACKAGES", packages, "DATA", data).Replace(localRecipe)
	check(t, os.WriteFile(file, []byte(text), 0o644))
	return load(t, file)
}

// newLocker locks with the archive as this machine's apt finds it.
func newLocker(t *testing.T) *Locker {
	t.Helper()
	mirrors, err := archive.HostMirrors("/")
	if err != nil || len(mirrors[archive.Debian]) == 0 || len(mirrors[archive.Security]) == 0 {
		t.Skipf("apt on this machine has no mirror of the Debian archive and its security updates: %v", err)
	}
	keyring, err := archive.DefaultKeyring("/")
	check(t, err)
	dir := t.TempDir()
	store, err := blobs.Open(dir)
	check(t, err)
	client, err := archive.New(archive.Config{
		Mirrors: mirrors, Keyring: keyring, Cache: store, IndexDir: dir, MaxAge: time.Hour,
	})
	check(t, err)
	return &Locker{Archive: client, Sources: &source.Fetcher{Cache: store, Archive: client}}
}

func TestLock(t *testing.T) {
	k := newLocker(t)
	t.Run("pins everything", func(t *testing.T) { testLock(t, k) })
	for _, c := range []struct {
		name                      string
		toolchain, packages, data string
		// want are the lines of the error, each behind the file's name; hint
		// occurs in it.
		want []string
		hint string
	}{
		{"no such Go", "go@1.99", "[]", "[]", []string{":9:14: trixie has no toolchain go@1.99"}, "there is go@1.24"},
		{"no such gcc", "[go, gcc@1]", "[]", "[]", []string{":9:19: trixie has no toolchain gcc@1"}, "gcc@14"},
		{"no such packages", "go", "[make, zlib1g-dve, nonsuch-at-all]", "[]", []string{`:10:20: no package "zlib1g-dve"`, `:10:32: no package "nonsuch-at-all"`}, "zlib1g-dev"},
		{"no such data", "go", "[]", "[zlib1]", []string{`:15:14: no package "zlib1"`}, "zlib1g"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := tiny(t, c.toolchain, c.packages, c.data)
			_, err := k.Lock(t.Context(), r)
			var mistakes *recipes.Errors
			if !errors.As(err, &mistakes) {
				t.Fatalf("error is %v, want a *recipes.Errors", err)
			}
			var got, want []string
			for _, p := range mistakes.Problems {
				got = append(got, p.String())
			}
			for _, w := range c.want {
				want = append(want, r.File+w)
			}
			if diff := cmp.Diff(want, got); diff != "" || !strings.Contains(err.Error(), c.hint) {
				t.Errorf("problems (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
}

func testLock(t *testing.T, k *Locker) {
	r := tiny(t, "[c, go]", "[zlib1g-dev]", "[tzdata]")
	l, err := k.Lock(t.Context(), r)
	check(t, err)
	first, err := l.Marshal()
	check(t, err)
	again, err := k.Lock(t.Context(), r)
	check(t, err)
	second, err := again.Marshal()
	check(t, err)
	if !bytes.Equal(first, second) {
		t.Error("locking twice gives two locks")
	}
	if bytes.Contains(first, []byte("://")) {
		t.Error("the lock names a host")
	}
	if err := l.Fits(r); err != nil {
		t.Errorf("the lock does not fit its recipe: %v", err)
	}
	if l.Epoch.Seconds == 0 || !strings.HasSuffix(l.Epoch.From, "InRelease") {
		t.Errorf("epoch of a local source is %+v, want the archive's", l.Epoch)
	}
	names := map[string]recipes.Package{}
	for _, p := range l.Platforms[0].Build {
		names[p.Name] = p
	}
	for _, want := range []string{"dpkg", "gcc", "g++", "make", "golang-go", "zlib1g-dev", "zlib1g"} {
		if names[want].SHA256 == "" {
			t.Errorf("the build environment lacks %s", want)
		}
	}
	if !names["dpkg"].Essential || names["make"].Essential {
		t.Errorf("essential: dpkg %v, make %v; want true, false", names["dpkg"].Essential, names["make"].Essential)
	}
}

func TestEpoch(t *testing.T) {
	l := &recipes.Lock{
		Sources: []recipes.LockedSource{{Kind: "local", Name: "src"}, {Kind: "go", Name: "example.org/x", Version: "v1.0.0"}},
		Archives: []recipes.Archive{
			{Archive: "debian", Suite: "trixie", Date: "2026-01-01T00:00:00Z"},
			{Archive: "debian-security", Suite: "trixie-security", Date: "2026-01-02T00:00:00Z"},
		},
	}
	for _, c := range []struct {
		times []int64
		want  recipes.Epoch
	}{
		{[]int64{0, 5}, recipes.Epoch{Seconds: 5, From: "go example.org/x v1.0.0"}},
		{[]int64{9, 5}, recipes.Epoch{Seconds: 9, From: "local src"}},
		{[]int64{0, 0}, recipes.Epoch{Seconds: 1767312000, From: "debian-security trixie-security InRelease"}},
	} {
		if got := epoch(l, c.times); got != c.want {
			t.Errorf("epoch with times %v is %+v, want %+v", c.times, got, c.want)
		}
	}
}
