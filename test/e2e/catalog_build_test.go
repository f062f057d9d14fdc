//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// catalogRecipe is a small program in C.
const catalogRecipe = `kiln: v1
name: NAME
version: 1.0.0
summary: Says its name
license: MIT
homepage: https://example.com
sources: [{local: src}]
build:
  toolchain: gcc
  steps:
    - run: |
        mkdir -p "$DESTDIR/usr/bin"
        gcc $CFLAGS $LDFLAGS -o "$DESTDIR/usr/bin/NAME" main.c
image:
  base: BASE
  entrypoint: [/usr/bin/NAME]
tests:
  - run: [/usr/bin/NAME]
    stdout: "NAME"
`

// shelf is a catalog in a folder, and where its images go.
type shelf struct {
	*bed
	dir, path string
}

func newShelf(t *testing.T, b *bed, path string) *shelf {
	t.Helper()
	s := &shelf{bed: b, dir: t.TempDir(), path: path}
	write(t, filepath.Join(s.dir, "kiln.yaml"), "kiln: v1\ncatalog: {repository: \""+b.Addr+"/"+path+"/${name}\"}\n")
	return s
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *shelf) add(t *testing.T, name, base, says string) {
	t.Helper()
	write(t, filepath.Join(s.dir, name, "recipe.yaml"), strings.NewReplacer("NAME", name, "BASE", base).Replace(catalogRecipe))
	s.says(t, name, says)
}

func (s *shelf) says(t *testing.T, name, says string) {
	t.Helper()
	write(t, filepath.Join(s.dir, name, "src", "main.c"), fmt.Sprintf("#include <stdio.h>\nint main(void) { return puts(\"%s\") < 0; }\n", says))
}

func (s *shelf) args(args ...string) []string {
	return append([]string{"catalog", "build", "--push", "--catalog", s.dir, "--key", s.key, "--registry-ca", s.CAFile, "--output", "json"}, args...)
}

// shelved is what `kiln catalog build --output json` prints.
type shelved struct {
	Built, Unchanged, Failed, Skipped int
	Recipes                           []struct {
		Name, Status, Error string
		Pinned              []string
		Images              []built
	}
}

func (s shelved) statuses() string {
	var list []string
	for _, r := range s.Recipes {
		list = append(list, r.Name+" "+r.Status)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// build runs kiln catalog build, which must end with the code.
func (s *shelf) build(t *testing.T, code int, args ...string) shelved {
	t.Helper()
	r := s.run(t, "kiln", s.args(args...)...)
	var out shelved
	if r.code != code {
		t.Fatalf("got exit code %d, want %d\n%s", r.code, code, r.stderr)
	}
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		t.Fatalf("%v: %s\n%s", err, r.stdout, r.stderr)
	}
	return out
}

// whole makes sure that each tag of the catalog's repositories is on an image
// that verifies as a whole.
func (s *shelf) whole(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		s.must(t, "kiln", "verify", s.Addr+"/"+s.path+"/"+name+":1.0.0", "--key", s.pub, "--registry-ca", s.CAFile)
	}
}

// TestCatalogBuild: only what changed is built, with what stands on it.
func TestCatalogBuild(t *testing.T) {
	s := newShelf(t, newBed(t), "shelf")
	for _, name := range []string{"one", "two"} {
		s.add(t, name, "glibc", name)
	}
	first := s.build(t, 0)
	if got := first.statuses(); got != "one built, two built" {
		t.Fatalf("got %s", got)
	}
	base := s.Addr + "/" + s.path + "/one@" + first.Recipes[0].Images[0].Digest
	s.add(t, "over", base, "over")
	s.add(t, "broken", "glibc", "something else") // its test fails
	out := s.build(t, 1)
	if got := out.statuses(); got != "broken failed, one unchanged, over built, two unchanged" {
		t.Errorf("got %s", got)
	}
	s.says(t, "broken", "broken")
	s.build(t, 0)
	before := len(s.requests(t))
	if out := s.build(t, 0); out.Unchanged != 4 {
		t.Errorf("the second time: %s", out.statuses())
	}
	if n := len(s.requests(t)) - before; n != 4 {
		t.Errorf("what is there took %d requests for 4 images", n)
	}

	s.says(t, "one", "one of one")
	if r := s.must(t, "kiln", "catalog", "why", "one", "--catalog", s.dir, "--key", s.key, "--registry-ca", s.CAFile); !strings.Contains(r.stdout, "file     src/main.c: changed") {
		t.Errorf("why does not say which file:\n%s", r.stdout)
	}
	out = s.build(t, 0)
	if got := out.statuses(); got != "broken unchanged, one built, over built, two unchanged" {
		t.Errorf("after one was touched: %s", got)
	}
	for _, r := range out.Recipes {
		if r.Name == "over" && len(r.Pinned) != 1 {
			t.Errorf("what stands on it is pinned to %v", r.Pinned)
		}
	}
	if out := s.build(t, 0); out.Unchanged != 4 {
		t.Errorf("after that: %s", out.statuses())
	}
	s.whole(t, "one", "two", "over", "broken")
}

// TestCatalogKilled: a build that is killed, or loses its registry or its disk,
// leaves no image that is not whole, and the next finishes the rest.
func TestCatalogKilled(t *testing.T) {
	s := newShelf(t, newBed(t), "killed")
	names := []string{"a1", "a2", "a3", "a4"}
	for _, name := range names {
		s.add(t, name, "glibc", name)
	}
	s.build(t, 0, "a1") // the toolchain is there from now on
	for _, after := range []time.Duration{500 * time.Millisecond, 2 * time.Second, 5 * time.Second} {
		c := s.command(t, "kiln", s.args("--jobs", "2")...)
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after)
		if err := c.Process.Kill(); err != nil && !strings.Contains(err.Error(), "finished") {
			t.Fatal(err)
		}
		c.Wait() //nolint:errcheck // it was killed
		s.nothingHalf(t, names)
	}
	if out := s.build(t, 0); out.Built+out.Unchanged != len(names) {
		t.Errorf("after kills: %s", out.statuses())
	}
	s.whole(t, names...)
}

// nothingHalf makes sure that what has a tag verifies.
func (s *shelf) nothingHalf(t *testing.T, names []string) {
	t.Helper()
	for _, name := range names {
		image := s.Addr + "/" + s.path + "/" + name + ":1.0.0"
		r := s.run(t, "kiln", "verify", image, "--key", s.pub, "--registry-ca", s.CAFile)
		if r.code != 0 && !strings.Contains(r.stderr, "no such image") {
			t.Errorf("%s has a tag, and does not verify:\n%s", image, r.stderr)
		}
	}
}

// TestCatalogDiskFull: the disk with caches and engine has no room.
func TestCatalogDiskFull(t *testing.T) {
	s := newShelf(t, newBed(t), "full")
	names := []string{"b1", "b2"}
	for _, name := range names {
		s.add(t, name, "glibc", name)
	}
	full := t.TempDir()
	if err := syscall.Mount("tmpfs", full, "tmpfs", 0, "size=40m"); err != nil {
		t.Skipf("mounting a small disk: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(full, syscall.MNT_DETACH) }) //nolint:errcheck // nothing is in it
	env := s.env
	s.env = append(slices.Clone(env), "TMPDIR="+full)
	s.homes = append(slices.Clone(s.homes), "XDG_CACHE_HOME="+full)
	out := s.build(t, 1)
	if out.Failed != len(names) || !strings.Contains(out.Recipes[0].Error, "no space left on device") {
		t.Errorf("got %+v, want failures for want of space", out)
	}
	s.nothingHalf(t, names)
	s.env, s.homes = env, shared
	if out := s.build(t, 0); out.Built != len(names) {
		t.Errorf("with room: %s", out.statuses())
	}
	s.whole(t, names...)
}

// TestCatalogRegistryStops: the registry ends in the middle, and comes back.
func TestCatalogRegistryStops(t *testing.T) {
	s := newShelf(t, newBed(t), "stops")
	names := []string{"c1", "c2", "c3"}
	for _, name := range names {
		s.add(t, name, "glibc", name)
	}
	s.build(t, 0, "c1")
	c := s.command(t, "kiln", s.args()...)
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	s.Kill()
	c.Wait() //nolint:errcheck // its exit code is looked at
	if c.ProcessState.ExitCode() != 1 || !strings.Contains(said.String(), "the same command goes on with the rest") {
		t.Errorf("without its registry: exit code %d\n%s", c.ProcessState.ExitCode(), said.String())
	}
	s.Restart(t)
	s.nothingHalf(t, names)
	if out := s.build(t, 0); out.Failed != 0 {
		t.Errorf("after that: %s", out.statuses())
	}
	s.whole(t, names...)
}
