package github

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// freshened are two reports of kiln: what it wrote, and what it says of that.
const freshened = `#!/bin/sh
cd "$WORK"
case $1 in
update)
	echo 'version: 2' >recipes/catalog/a/recipe.yaml
	echo lock >recipes/catalog/a/recipe.lock
	cat <<'END'
[{"name": "a", "status": "updated", "title": "a: 2", "body": "A is $(id)\nnow", "files": ["recipes/catalog/a/recipe.yaml", "recipes/catalog/a/recipe.lock"]},
 {"name": "b", "status": "current"},
 {"name": "c", "recipe": "recipes/catalog/c/recipe.yaml", "status": "failed", "error": "100% gone\r::add-mask::x"}]
END
	exit 1;;
relock)
	echo "$*" >said
	echo new >recipes/catalog/b/recipe.lock
	echo '[{"name": "a", "status": "same"}, {"name": "b", "status": "changed", "written": "recipes/catalog/b/recipe.lock", "body": "B has a new lock"}]';;
esac
`

// gh notes what it is asked, and knows the pull requests that are there.
const gh = `#!/bin/sh
echo "$*" >>"$WORK/../gh"
case "$1 $2" in
"pr list") grep -c "^pr create.* $6 " "$WORK/../gh";;
esac
exit 0
`

// bench is a repository with a catalog, and one that it is pushed to.
type bench struct{ dir, work string }

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir()}
	b.work = filepath.Join(b.dir, "work")
	for name, text := range map[string]string{
		"bin/kiln": freshened, "bin/gh": gh,
		"work/recipes/catalog/a/recipe.yaml": "version: 1\n", "work/recipes/catalog/b/recipe.lock": "old\n", "work/Makefile": "all:\n",
	} {
		file := filepath.Join(b.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b.must(t, "git", "init", "-q", "-b", "main", ".")
	b.must(t, "git", "add", ".")
	b.must(t, "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "start")
	b.must(t, "git", "init", "-q", "--bare", "../origin")
	b.must(t, "git", "remote", "add", "origin", "../origin")
	return b
}

func (b *bench) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	c := exec.Command(name, args...) //nolint:gosec // the scripts under test, and git
	c.Dir = b.work
	c.Env = append(os.Environ(), "PATH="+b.dir+"/bin:"+os.Getenv("PATH"), "WORK="+b.work, "REPOSITORY=acme/images", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := c.CombinedOutput()
	return string(out), err
}

func (b *bench) must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := b.run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(root + "catalog/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestProposals: what is found becomes a pull request each, with nothing but
// what is in the catalog, and the next day the same one.
func TestProposals(t *testing.T) {
	b := newBench(t)
	proposals := filepath.Join(b.dir, "proposals")
	out, err := b.run(t, script(t, "freshen.sh"), "update", "recipes/catalog", "me", proposals)
	if err == nil || !strings.Contains(out, "::warning title=kiln::c: 100%25 gone%0D::add-mask::x\n") {
		t.Errorf("where a recipe fails: %v\n%s", err, out)
	}
	b.must(t, "git", "reset", "-q", "--hard")
	b.must(t, script(t, "freshen.sh"), "relock", "recipes/catalog", "me", proposals)
	if said := b.must(t, "cat", "said"); !strings.Contains(said, "--certificate-identity me ") {
		t.Errorf("kiln was told %s", said)
	}
	b.must(t, "git", "reset", "-q", "--hard")
	files, err := os.ReadDir(proposals)
	if err != nil || len(files) != 6 {
		t.Fatalf("there are %d files, %v; want 6", len(files), err)
	}

	evil := "diff --git a/Makefile b/Makefile\n--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-all:\n+all: evil\n"
	for name, text := range map[string]string{"evil.patch": evil, "evil.title": "evil", "evil.body": "evil"} {
		if err := os.WriteFile(filepath.Join(proposals, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		b.must(t, script(t, "propose.sh"), proposals, "recipes/catalog")
		b.must(t, "git", "switch", "-q", "main")
	}
	if diff := cmp.Diff("catalog/relock\ncatalog/update-a\n", b.must(t, "git", "-C", "../origin", "branch", "--format=%(refname:short)")); diff != "" {
		t.Errorf("branches (-want +got):\n%s", diff)
	}
	if got, want := b.must(t, "git", "-C", "../origin", "show", "--format=%s", "--name-only", "catalog/update-a"),
		"a: 2\n\nrecipes/catalog/a/recipe.lock\nrecipes/catalog/a/recipe.yaml\n"; got != want {
		t.Errorf("the commit is %q, want %q", got, want)
	}
	said := b.must(t, "cat", "../gh")
	if strings.Count(said, "pr create") != 2 || strings.Count(said, "pr edit") != 2 || strings.Contains(said, "evil") {
		t.Errorf("gh was told\n%s", said)
	}
	if body := b.must(t, "cat", proposals+"/update-a.body"); body != "A is $(id)\nnow\n" {
		t.Errorf("the text is %q", body)
	}
}

// TestFindingsOutliveFailures: what a job found is handed on where a step of it
// failed.
func TestFindingsOutliveFailures(t *testing.T) {
	w := load(t, "workflows/catalog-daily.yml")
	for _, name := range []string{"freshen", "audit"} {
		seen := false
		for _, s := range w.Jobs[name].Steps {
			if !strings.HasPrefix(s.Uses, "actions/upload-artifact@") {
				continue
			}
			if seen = true; s.If != "always()" {
				t.Errorf("%s uploads if %q, want always()", name, s.If)
			}
		}
		if !seen {
			t.Errorf("%s uploads nothing", name)
		}
	}
}

// compared knows a recipe with a variant, another whose name begins like it, and
// what is published of the first.
const compared = `#!/bin/sh
case "$1 $2" in
"catalog list")
	for name; do :; done
	case $name in
	a) echo '[{"name": "a", "repository": "r.corp/a", "version": "1", "variants": ["debug"]}]';;
	*) echo '[{"name": "'$name'", "repository": "r.corp/'$name'", "version": "1"}]';;
	esac;;
"diff r.corp/a:1"*) echo "$3 differs from $2";;
*) echo none >&2; exit 1;;
esac
`

// TestDiff: each image is compared with the published one of its recipe and
// variant, once.
func TestDiff(t *testing.T) {
	b := newBench(t)
	if err := os.WriteFile(filepath.Join(b.dir, "bin/kiln"), []byte(compared), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, layout := range []string{"a", "a-debug", "a-b"} {
		if err := os.MkdirAll(filepath.Join(b.work, "images", layout+".oci"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got := b.must(t, script(t, "diff.sh"), "recipes/catalog", "HEAD", "images", "a", "a-b")
	want := `### a

<details><summary>a, compared with r.corp/a:1</summary>

~~~~
images/a.oci differs from r.corp/a:1
~~~~

</details>

<details><summary>a-debug, compared with r.corp/a:1-debug</summary>

~~~~
images/a-debug.oci differs from r.corp/a:1-debug
~~~~

</details>

### a-b

` + "`a-b`: nothing published to compare with at `r.corp/a-b:1`.\n\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
