package recipes

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lay makes a folder of files; a text that begins with "-> " is a link, and a
// path that ends in "*" is executable.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		mode := fs.FileMode(0o600)
		if n, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = n, 0o711
		}
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			if err := os.Symlink(target, p); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(p, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLocal(t *testing.T) {
	dir := lay(t, map[string]string{
		"main.go": "package main", "run.sh*": "#!", "a/b/c.txt": "c", "a/z.o": "o", "a/keep.o": "o",
		"a/up": "-> ../main.go", "dangling": "-> a/none", ".git/config": "x", "sub/.git": "gitdir: x",
		"build/out/x": "x", "build/keep": "k", "recipe.lock": "l", ".hidden": "h",
	})
	got, err := Local(dir, []string{"**/*.o", "!a/keep.o", "/build", "!build/keep", "# a comment", ""})
	if err != nil {
		t.Fatal(err)
	}
	link := fs.ModeSymlink | 0o777
	want := []TreeFile{
		{Path: ".hidden", Mode: 0o644, Size: 1},
		{Path: "a/b/c.txt", Mode: 0o644, Size: 1},
		{Path: "a/keep.o", Mode: 0o644, Size: 1},
		{Path: "a/up", Mode: link, Target: "../main.go"},
		{Path: "build/keep", Mode: 0o644, Size: 1},
		{Path: "dangling", Mode: link, Target: "a/none"},
		{Path: "main.go", Mode: 0o644, Size: 12},
		{Path: "recipe.lock", Mode: 0o644, Size: 1},
		{Path: "run.sh", Mode: 0o755, Size: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLocalRefuses(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"absolute link":     {"x": "-> /etc/passwd"},
		"absolute, missing": {"x": "-> /none/such"},
		"link out":          {"a/x": "-> ../../out"},
		"over another link": {"here": "-> .", "x": "-> here/../../out"},
		"circle":            {"x": "-> y", "y": "-> x"},
	} {
		if got, err := Local(lay(t, files), nil); err == nil || !strings.Contains(err.Error(), "the link") {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if _, err := Local(lay(t, map[string]string{"x": "-> /etc/passwd"}), []string{"x"}); err != nil {
		t.Errorf("an ignored link is refused: %v", err)
	}
	if _, err := Local(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestLocalRefusesSockets(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Local(dir, nil); err == nil || !strings.Contains(err.Error(), "neither file, link nor folder") {
		t.Errorf("got %v", err)
	}
}

func treeDigest(t *testing.T, dir string) string {
	t.Helper()
	files, err := Local(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := TreeDigest(t.Context(), dir, files)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestTreeDigest(t *testing.T) {
	sound := map[string]string{"a": "1", "b/c*": "2", "l": "-> a"}
	dir := lay(t, sound)
	want := treeDigest(t, dir)
	if !sha256Form.MatchString(want) {
		t.Fatalf("got %q", want)
	}
	for range 25 {
		if got := treeDigest(t, lay(t, sound)); got != want {
			t.Fatalf("got %s after %s", got, want)
		}
	}
	if err := os.Chtimes(filepath.Join(dir, "a"), time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "a"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := treeDigest(t, dir); got != want {
		t.Error("time or group permissions change the digest")
	}
	seen := map[string]string{want: "the first"}
	for name, files := range map[string]map[string]string{
		"content":   {"a": "2", "b/c*": "2", "l": "-> a"},
		"name":      {"aa": "1", "b/c*": "2", "l": "-> a"},
		"mode":      {"a": "1", "b/c": "2", "l": "-> a"},
		"target":    {"a": "1", "b/c*": "2", "l": "-> b"},
		"kind":      {"a": "1", "b/c*": "2", "l": "a"},
		"fewer":     {"a": "1", "l": "-> a"},
		"swallowed": {"a": "1\"b/c\" 755 \"\" 1\n2", "l": "-> a"},
	} {
		sum := treeDigest(t, lay(t, files))
		if other, ok := seen[sum]; ok {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[sum] = name
	}
}

func TestTreeDigestNoticesChanges(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"longer":  func(d string) error { return os.WriteFile(filepath.Join(d, "a"), []byte("longer"), 0o644) },
		"shorter": func(d string) error { return os.Truncate(filepath.Join(d, "a"), 0) },
		"gone":    func(d string) error { return os.Remove(filepath.Join(d, "a")) },
		"link": func(d string) error {
			return errors.Join(os.Remove(filepath.Join(d, "a")), os.Symlink("/etc/hostname", filepath.Join(d, "a")))
		},
		"other link": func(d string) error {
			return errors.Join(os.Remove(filepath.Join(d, "l")), os.Symlink("/etc/hostname", filepath.Join(d, "l")))
		},
	} {
		dir := lay(t, map[string]string{"a": "1", "l": "-> a"})
		files, err := Local(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := TreeDigest(t.Context(), dir, files); err == nil {
			t.Errorf("%s: the change is not noticed", name)
		}
	}
}

func TestTreeDigestStops(t *testing.T) {
	dir := lay(t, map[string]string{"a": "1"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := TreeDigest(ctx, dir, []TreeFile{{Path: "a", Mode: 0o644, Size: 1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
