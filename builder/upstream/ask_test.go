package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
)

// serve answers each path with a text.
func serve(t *testing.T, pages map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := pages[r.URL.EscapedPath()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, text)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func recipeAt(version string) *recipes.Recipe {
	return &recipes.Recipe{Version: version, Suite: "trixie"}
}

func TestFindOnPage(t *testing.T) {
	url := serve(t, map[string]string{
		"/": `<a href="x-1.9.0.tar.gz"> <a href="x-1.10.1.tar.gz"> <a href="x-1.11.0-rc1.tar.gz">`, "/evil": `x-1.0;rm.tar.gz`,
	})
	f := &Finder{HTTP: http.DefaultClient}
	u := recipes.Update{Page: url + "/", Regexp: `x-([^"]*)\.tar\.gz`}
	if got, err := f.Find(t.Context(), recipeAt("1.9.0"), u); err != nil || got.Text != "1.10.1" || got.Order != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, c := range []struct{ page, regexp, want string }{
		{url + "/evil", u.Regexp, `"1.0;rm" is not a version`},
		{url + "/", `y-([0-9]+)`, "the regexp matches nothing"},
		{url + "/none", u.Regexp, "404 Not Found"},
		{"http://127.0.0.1:1/", u.Regexp, "connection refused"},
	} {
		_, err := f.Find(t.Context(), recipeAt("1.9.0"), recipes.Update{Page: c.page, Regexp: c.regexp})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "looking for versions of page "+c.page) {
			t.Errorf("%s %s: got %v, want %q", c.page, c.regexp, err, c.want)
		}
	}
}

// A page without end is read no further than its limit.
func TestFindOnEndlessPage(t *testing.T) {
	sent := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := []byte(strings.Repeat("x-1.0.0.tar.gz ", 1<<12))
		for sent < 1<<30 && r.Context().Err() == nil {
			n, err := w.Write(line)
			if sent += n; err != nil {
				return
			}
		}
	}))
	f := &Finder{HTTP: http.DefaultClient}
	_, err := f.Find(t.Context(), recipeAt("1.0.0"), recipes.Update{Page: s.URL, Regexp: "x-(1)"})
	s.Close()
	if err == nil || !strings.Contains(err.Error(), "the answer has more than 8 MB") {
		t.Errorf("got %v", err)
	}
	if sent > 1<<28 {
		t.Errorf("%d bytes were taken", sent)
	}
}

func TestFindInRegistry(t *testing.T) {
	url := serve(t, map[string]string{
		"/@corp%2fx": `{"versions": {"6.8.0": {}, "6.9.0": {}, "6.10.0": {"deprecated": "broken"}, "7.0.0-next.1": {}, "0.1beta": {}, "6.9.1": {"deprecated": false}}}`,
		"/evil":      `{"versions": {"1.0;rm": {}}}`, "/text": "hello",
	})
	f := &Finder{HTTP: http.DefaultClient, Npm: func(context.Context) (string, error) { return url + "/", nil }}
	if got, err := f.Find(t.Context(), recipeAt("6.8.0"), recipes.Update{Npm: "@corp/x"}); err != nil || got.Text != "6.9.1" {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, want := range map[string]string{"evil": "is not a version", "text": "reading the registry's answer", "none": "404"} {
		if _, err := f.Find(t.Context(), recipeAt("1.0.0"), recipes.Update{Npm: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func TestFindModule(t *testing.T) {
	f := &Finder{Modules: func(_ context.Context, path string) ([]string, error) {
		if path != "example.org/m" {
			return nil, errors.New("not found")
		}
		return []string{"v1.0.0", "v1.2.0", "v1.3.0-rc.1", "v2.0.0+incompatible"}, nil
	}}
	if got, err := f.Find(t.Context(), recipeAt("1.0.0"), recipes.Update{Go: "example.org/m"}); err != nil || got.Text != "2.0.0" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := f.Find(t.Context(), recipeAt("1.0.0"), recipes.Update{Go: "example.org/n"}); err == nil {
		t.Error("no error")
	}
}

func TestFindInDebian(t *testing.T) {
	var asked string
	f := &Finder{Debian: func(_ context.Context, release, name, suite string) (archive.Source, error) {
		asked = release + " " + name + " " + suite
		return archive.Source{Version: "1:8.1.4+dfsg1-0+deb13u1"}, nil
	}}
	r := recipeAt("8.1.1")
	got, err := f.Find(t.Context(), r, recipes.Update{Debian: "valkey"})
	if err != nil || got.Text != "8.1.4" || got.Full != "1:8.1.4+dfsg1-0+deb13u1" || asked != "trixie valkey " {
		t.Errorf("got %+v, %v, having asked for %q", got, err, asked)
	}
	r.Sources = []recipes.Source{{Debian: &recipes.DebianSource{Package: "valkey", Suite: "sid"}}}
	if _, err := f.Find(t.Context(), r, recipes.Update{Debian: "valkey"}); err != nil || asked != "sid valkey sid" {
		t.Errorf("%v, having asked for %q", err, asked)
	}
}

// machine is where git is found.
func machine() []string { return os.Environ() } //nolint:forbidigo // for git

// repository makes a git repository with these tags, and serves it.
func repository(t *testing.T, tags ...string) (url, commit string) {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...) //nolint:gosec // a test
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	git("commit", "-q", "--allow-empty", "-m", "x")
	for i, tag := range tags {
		if i%2 == 0 {
			git("tag", tag)
		} else {
			git("tag", "-a", "-m", "x", tag)
		}
	}
	git("update-server-info")
	s := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, ".git"))))
	t.Cleanup(s.Close)
	return s.URL + "/", git("rev-parse", "HEAD")
}

func TestFindTag(t *testing.T) {
	url, commit := repository(t, "v1.2.0", "v1.10.0", "latest", "other-9.0", "v2.0.0-rc1", "vx")
	f := &Finder{Git: machine()}
	got, err := f.Find(t.Context(), recipeAt("1.2.0"), recipes.Update{Git: url, Tags: "v${version}"})
	if err != nil || got.Text != "1.10.0" || got.Tag != "v1.10.0" || got.Commit != commit {
		t.Errorf("got %+v, %v, want the commit %s", got, err, commit)
	}
	if got, err := f.Find(t.Context(), recipeAt("1.2.0"), recipes.Update{Git: url, Tags: "other-${version}"}); err != nil || got.Text != "9.0" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, c := range []struct{ url, want string }{
		{"http://127.0.0.1:1/x", "running git: exit status 128"},
		{t.TempDir(), "not allowed"},
		{"--upload-pack=touch /tmp/x", "running git"},
	} {
		if got, err := f.Find(t.Context(), recipeAt("1.2.0"), recipes.Update{Git: c.url, Tags: "v${version}"}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v, %v, want %q", c.url, got, err, c.want)
		}
	}
}

// TestFindTagBySSH: git reaches a repository by SSH as the environment says.
func TestFindTagBySSH(t *testing.T) {
	dir := t.TempDir()
	ssh, asked := filepath.Join(dir, "ssh"), filepath.Join(dir, "asked")
	if err := os.WriteFile(ssh, []byte("#!/bin/sh\necho \"$*\" >"+asked+"\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f := &Finder{Git: append(machine(), "GIT_SSH_COMMAND="+ssh, "GIT_SSH_VARIANT=simple")}
	if got, err := f.Find(t.Context(), recipeAt("1.2.0"), recipes.Update{Git: "ssh://git@127.0.0.1/x", Tags: "v${version}"}); err == nil {
		t.Errorf("got %+v, want an error", got)
	}
	if said, err := os.ReadFile(asked); err != nil || !strings.Contains(string(said), "git@127.0.0.1 ") {
		t.Errorf("it was asked %q, %v", said, err)
	}
}

func TestFindHostileTag(t *testing.T) {
	url, _ := repository(t, "v1.2.0", "v9;rm")
	f := &Finder{Git: machine()}
	if got, err := f.Find(t.Context(), recipeAt("1.2.0"), recipes.Update{Git: url, Tags: "v${version}"}); err == nil || !strings.Contains(err.Error(), `"9;rm" is not a version`) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestChecksums(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("B", 64)
	url := serve(t, map[string]string{"/SHA256SUMS": a + "  other.tar.gz\n" + b + " *./dir/x.tar.gz\nnot-a-sum  x.tar.gz\n" + a + "  xx.tar.gz\n"})
	f := &Finder{HTTP: http.DefaultClient}
	got, err := f.Checksums(t.Context(), url+"/SHA256SUMS", "x.tar.gz")
	if err != nil || len(got) != 1 || got[0] != strings.ToLower(b) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := f.Checksums(t.Context(), url+"/none", "x.tar.gz"); err == nil {
		t.Errorf("got %v, want an error", got)
	}
}

func TestNothingTracked(t *testing.T) {
	if _, err := (&Finder{}).Find(t.Context(), recipeAt("1"), recipes.Update{}); err == nil {
		t.Error("no error")
	}
}

func TestCommit(t *testing.T) {
	url, commit := repository(t, "light", "annotated")
	f := &Finder{Git: machine()}
	for _, tag := range []string{"light", "annotated"} {
		if got, err := f.Commit(t.Context(), url, tag); err != nil || got != commit {
			t.Errorf("%s: got %s, %v, want %s", tag, got, err, commit)
		}
	}
	if got, err := f.Commit(t.Context(), url, "none"); err == nil {
		t.Errorf("got %s, want an error", got)
	}
}
