package builder

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiln-build/kiln/recipes"
)

func TestKey(t *testing.T) {
	key := func(r *recipes.Recipe, l *recipes.Lock, trees Trees, platform string) string {
		k, err := Key(r, l, trees, platform)
		check(t, err)
		return k
	}
	file := "testdata/plan/c.yaml"
	r := load(t, file)
	trees := Trees{1: digestOf("7")}
	first := key(r, lockOf(r), trees, "linux/amd64")
	for range 25 {
		if got := key(load(t, file), lockOf(r), Trees{1: digestOf("7")}, "linux/amd64"); got != first {
			t.Fatalf("key of the same build is %s, then %s", first, got)
		}
	}
	elsewhere := load(t, file)
	elsewhere.File = "/elsewhere/recipe.yaml"
	if got := key(elsewhere, lockOf(r), trees, "linux/amd64"); got != first {
		t.Error("the key depends on where the recipe is")
	}
	other, err := recipes.Parse(file, bytes.Replace(r.Raw, []byte("name: "), []byte("name: x"), 1))
	if err != nil {
		t.Fatal(err)
	}
	variant := load(t, file)
	variant.Variant = "debug"
	lock := lockOf(r)
	lock.Platforms[0].Build[0].SHA256 = digestOf("8")
	epoch := lockOf(r)
	epoch.Epoch.Seconds++
	seen := map[string]string{first: "nothing"}
	for what, k := range map[string]string{
		"the recipe":   key(other, lockOf(r), trees, "linux/amd64"),
		"the variant":  key(variant, lockOf(r), trees, "linux/amd64"),
		"a package":    key(r, lock, trees, "linux/amd64"),
		"the epoch":    key(r, epoch, trees, "linux/amd64"),
		"a tree":       key(r, lockOf(r), Trees{1: digestOf("8")}, "linux/amd64"),
		"which tree":   key(r, lockOf(r), Trees{0: digestOf("7")}, "linux/amd64"),
		"the platform": key(r, lockOf(r), trees, "linux/arm64"),
	} {
		if same, ok := seen[k]; ok {
			t.Errorf("the key is the same where %s changes as where %s does", what, same)
		}
		seen[k] = what
	}
}

func TestIndexKey(t *testing.T) {
	if got := IndexKey([]string{"a"}); got != "a" {
		t.Errorf("got %q for one image, want its own", got)
	}
	ab := IndexKey([]string{"a", "b"})
	for _, other := range [][]string{{"b", "a"}, {"a", "b", "b"}, {"a\nb"}, {"ab"}} {
		if IndexKey(other) == ab {
			t.Errorf("%q has the key of a and b", other)
		}
	}
	if IndexKey([]string{"a", "b"}) != ab {
		t.Error("the key changes")
	}
}

func TestLocalTrees(t *testing.T) {
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "files"), 0o755))
	write := func(name, text string) {
		check(t, os.WriteFile(filepath.Join(dir, "files", name), []byte(text), 0o644))
	}
	write("a", "1")
	r := load(t, "testdata/plan/c.yaml")
	r.File = filepath.Join(dir, "recipe.yaml")
	before, err := LocalTrees(t.Context(), r)
	check(t, err)
	write("a", "2")
	after, err := LocalTrees(t.Context(), r)
	check(t, err)
	if len(before) != 1 || before[1] == "" || before[1] == after[1] {
		t.Errorf("trees are %v, and %v after a change; want one each that differ", before, after)
	}
	check(t, os.RemoveAll(filepath.Join(dir, "files")))
	_, err = LocalTrees(t.Context(), r)
	if want := r.File + ":8:5: "; err == nil || err.Error()[:len(want)] != want {
		t.Errorf("error about a folder that is missing is %v, want it to begin with %s", err, want)
	}
}
