package builder

import (
	"net/http/cgi" //nolint:gosec // of the Go that this needs, not of 2016
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb/sourceresolver"

	"github.com/kiln-build/kiln/recipes"
)

// gitServer is a bare repository served over HTTP on a loopback address.
type gitServer struct {
	url string
	// first has the lightweight tag v1, second the annotated tag v2, and
	// third is what the branch main ends in. All are made at committed.
	first, second, third string
}

const committed2026 = 1_767_225_600

func newGitServer(t *testing.T) gitServer {
	t.Helper()
	dir := t.TempDir()
	work, bare := filepath.Join(dir, "work"), filepath.Join(dir, "repos", "tool.git")
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...) //nolint:gosec // constant arguments
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", //nolint:forbidigo // to find git
			"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.org",
			"GIT_AUTHOR_DATE=1700000000 +0100", "GIT_COMMITTER_DATE=1767225600 +0100",
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main", work)
	commit := func(text string) string {
		check(t, os.WriteFile(filepath.Join(work, "file"), []byte(text), 0o644))
		git("-C", work, "add", "file")
		git("-C", work, "commit", "-q", "-m", text)
		return git("-C", work, "rev-parse", "HEAD")
	}
	var s gitServer
	s.first = commit("first")
	git("-C", work, "tag", "v1")
	s.second = commit("second")
	git("-C", work, "tag", "-a", "-m", "two", "v2")
	s.third = commit("third")
	git("clone", "-q", "--bare", work, bare)
	git("-C", bare, "config", "uploadpack.allowAnySHA1InWant", "true")
	backend := filepath.Join(git("--exec-path"), "git-http-backend")
	web := httptest.NewServer(&cgi.Handler{Path: backend, Env: []string{
		"GIT_PROJECT_ROOT=" + filepath.Dir(bare), "GIT_HTTP_EXPORT_ALL=1", "HOME=" + dir,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
	}})
	t.Cleanup(web.Close)
	s.url = web.URL + "/tool.git"
	return s
}

func TestGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	b, s := newBed(t), newGitServer(t)
	for _, c := range []struct {
		name   string
		source recipes.GitSource
		want   string
		err    string
	}{
		{"tag", recipes.GitSource{Ref: "v1"}, s.first, ""},
		{"annotated tag", recipes.GitSource{Ref: "v2"}, s.second, ""},
		{"branch", recipes.GitSource{Ref: "main"}, s.third, ""},
		{"commit", recipes.GitSource{Commit: s.first}, s.first, ""},
		{"tag of the commit", recipes.GitSource{Ref: "v2", Commit: s.second}, s.second, ""},
		{"tag of another commit", recipes.GitSource{Ref: "v1", Commit: s.second}, "", "ref v1 is commit " + s.first + ", the recipe says " + s.second},
		{"no such ref", recipes.GitSource{Ref: "v9"}, "", "resolving v9 of " + s.url + ": "},
		{"no such commit", recipes.GitSource{Commit: strings.Repeat("1", 40)}, "", "resolving 1111"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.source.URL = s.url
			got, err := b.ResolveGit(t.Context(), c.source)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("ResolveGit: %v, %v; want an error with %q", got, err, c.err)
				}
				return
			}
			if want := (Commit{c.want, committed2026}); err != nil || got != want {
				t.Errorf("ResolveGit: %v, %v; want %v", got, err, want)
			}
		})
	}
	t.Run("build", func(t *testing.T) { testGitBuild(t, b, s) })
}

// testGitBuild builds from a locked commit, which is not where the ref is.
func testGitBuild(t *testing.T, b *bed, s gitServer) {
	r := recipe(t, "  - git: {url: \""+s.url+"\", ref: main}\n    into: tool", "    - run: [/step, copy, tool/file, /out/file]", "")
	l := lockOf(r)
	l.Sources[0].Commit = s.second
	entries, err := b.compile(t, r, l)
	check(t, err)
	if len(entries) != 1 {
		t.Fatalf("artifacts are %v, want one file", entries)
	}
	got, err := text(entries[0])
	if err != nil || got != "second" {
		t.Errorf("the file holds %q, %v; want what the locked commit has", got, err)
	}
	l.Sources[0].Commit = strings.Repeat("1", 40)
	_, err = b.compile(t, r, l)
	if err == nil || !strings.HasPrefix(err.Error(), "dir/recipe.yaml:7:5: ") {
		t.Errorf("a locked commit that is not there: %v, want an error about line 7", err)
	}
}

func TestCheckCommit(t *testing.T) {
	id, tag := strings.Repeat("1", 40), strings.Repeat("2", 40)
	object := []byte("tree 3\nauthor A <a@x> 5 +0000\ncommitter C <c@x> 7 +0200\n\ncommitter D <d@x> 9 +0000\n")
	for _, c := range []struct {
		name  string
		found *sourceresolver.ResolveGitResponse
		want  Commit
		ok    bool
	}{
		{"commit", &sourceresolver.ResolveGitResponse{Checksum: id, CommitObject: object}, Commit{id, 7}, true},
		{"tag object", &sourceresolver.ResolveGitResponse{Checksum: tag, CommitChecksum: id, CommitObject: object}, Commit{id, 7}, true},
		{"engine that cannot", nil, Commit{}, false},
		{"no committer", &sourceresolver.ResolveGitResponse{Checksum: id, CommitObject: []byte("tree 3\n\ncommitter C <c@x> 7 +0200")}, Commit{}, false},
		{"no object", &sourceresolver.ResolveGitResponse{Checksum: id}, Commit{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := checkCommit(recipes.GitSource{Ref: "v1"}, c.found)
			if got != c.want || (err == nil) != c.ok {
				t.Errorf("checkCommit: %v, %v; want %v", got, err, c.want)
			}
		})
	}
}
