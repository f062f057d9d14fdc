//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http/cgi" //nolint:gosec // of the Go that this needs, not of 2016
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOffline: from its vendored inputs a recipe builds, to the same digest, in
// a network namespace without routes, with an engine and caches that are empty.
func TestOffline(t *testing.T) {
	b, p := newBed(t), newProxy(t)
	b.env = append(b.env, "GOPROXY="+p.URL, "GONOSUMDB=*")
	recipe := b.dependent(t)
	online := b.build(t, recipe, "probe")
	dir := t.TempDir()
	carried := filepath.Join(dir, "inputs.oci")
	first := b.must(t, "kiln", "vendor", recipe, "--oci", carried, "--key", b.key).last()
	if pushed := b.must(t, "kiln", "vendor", recipe, "--push", b.Addr+"/inputs", "--key", b.key, "--registry-ca", b.CAFile).last(); after(pushed) != after(first) {
		t.Errorf("the artifact is %s in a registry and %s in a folder", pushed, first)
	}
	b.mustFail(t, 4, []string{"verifying inputs"}, "build", recipe, "--offline", "--inputs", carried, "--inputs-key", newBed(t).pub,
		"--oci", filepath.Join(dir, "refused.oci"), "--key", b.key)
	p.Close()
	// An artifact that a trusted key signed, and that holds something else.
	text := read(t, lockOf(recipe))
	was := results.FindStringSubmatch(text)
	if was == nil {
		t.Fatalf("the lock has no digest of what the step fetched:\n%s", text)
	}
	replace(t, lockOf(recipe), was[1], strings.Repeat("ab", 32))
	b.mustFail(t, 1, []string{"lacks what the lock of probe names: the tree sha256:abab", "that build.steps[0] fetches on linux/amd64"},
		"build", recipe, "--offline", "--inputs", carried, "--oci", filepath.Join(dir, "refused.oci"), "--key", b.key)
	replace(t, lockOf(recipe), strings.Repeat("ab", 32), was[1])

	apart := b.apart(t)
	r := apart.isolated(t, "build", recipe, "--offline", "--inputs", carried, "--key", b.key,
		"--oci", filepath.Join(dir, "offline.oci"), "--output", "json", "--progress", "plain")
	var out built
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		t.Fatalf("exit code %d: %v\n%s", r.code, err, r.stderr)
	}
	if out.Digest != online.Digest {
		t.Errorf("offline it is %s, online %s", out.Digest, online.Digest)
	}
	// Without the inputs nothing can be had, and the error says what.
	empty := b.apart(t)
	if r := empty.isolated(t, "build", recipe, "--offline", "--key", b.key, "--oci", filepath.Join(dir, "none.oci")); r.code != 1 ||
		!strings.Contains(r.stderr, "--offline forbids to fetch it") {
		t.Errorf("without inputs: exit code %d\n%s", r.code, r.stderr)
	}
}

// TestOfflineTrees: so does one from a git repository and registry images, and
// one for two platforms.
func TestOfflineTrees(t *testing.T) {
	takesLong(t, "building three images for two platforms, online and offline,")
	b := newBed(t)
	b.env = append(b.env, "KILN_REGISTRY_CA="+b.CAFile)
	service := b.copyRecipe(t, catalog("hello"), twoPlatforms(t, "hello")...)
	hello := b.offlineToo(t, service, "hello")
	if len(hello.Platforms) != 2 {
		t.Fatalf("got platforms %+v, want two", hello.Platforms)
	}
	tools := b.must(t, "kiln", append(b.flags(service, "tools"), "--variant", "debug", "--platform", "linux/amd64")...).last()
	repository, commit := gitRepository(t, "greeting", "from git")
	dir := t.TempDir()
	recipe := filepath.Join(dir, "recipe.yaml")
	text := `kiln: v1
name: tree
version: 1.0.0
summary: A tree of files on a registry image
license: Apache-2.0
homepage: https://example.com/tree
sources:
  - git: {url: "` + repository.URL + `/tool.git", ref: main}
    into: tool
build:
  image: ` + tools + `
  steps:
    - run: [/usr/bin/busybox, sh, -c, "/usr/bin/busybox install -D -m 0644 tool/greeting $DESTDIR/usr/share/greeting"]
image:
  base: ` + b.Addr + "/hello@" + hello.Digest + `
  entrypoint: [/usr/bin/hello]
tests:
  - run: [/usr/bin/hello, --version]
  - files: {path: /usr/share/greeting, content: from git}
`
	if err := os.WriteFile(recipe, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	b.must(t, "kiln", "lock", recipe)
	lock := read(t, lockOf(recipe))
	if !strings.Contains(lock, "commit: "+commit+", tree: ") {
		t.Errorf("the lock lacks the commit %s or its tree:\n%s", commit, lock)
	}
	b.offlineToo(t, recipe, "tree")
}

// offlineToo builds a recipe, vendors it, and builds it again from that alone:
// to the same digest.
func (b *bed) offlineToo(t *testing.T, recipe, repo string) built {
	t.Helper()
	online := b.build(t, recipe, repo)
	dir := t.TempDir()
	carried := filepath.Join(dir, "inputs.oci")
	b.must(t, "kiln", "vendor", recipe, "--oci", carried, "--key", b.key)
	r := b.apart(t).isolated(t, "build", recipe, "--offline", "--inputs", carried, "--key", b.key,
		"--oci", filepath.Join(dir, "offline.oci"), "--output", "json", "--progress", "plain")
	var offline built
	if err := json.Unmarshal([]byte(r.stdout), &offline); err != nil {
		t.Fatalf("exit code %d: %v\n%s", r.code, err, r.stderr)
	}
	if offline.Digest != online.Digest {
		t.Errorf("offline it is %s, online %s", offline.Digest, online.Digest)
	}
	return online
}

// gitRepository is a server of the repository tool.git on the loopback
// interface, whose branch main has a file, and the commit that it is at.
func gitRepository(t *testing.T, file, text string) (*httptest.Server, string) {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		c := exec.Command("git", args...) //nolint:gosec // constant arguments
		c.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org",
			"GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.org", "GIT_COMMITTER_DATE=1767225600 +0100")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	work, bare := filepath.Join(dir, "work"), filepath.Join(dir, "repositories", "tool.git")
	git("init", "-q", "-b", "main", work)
	if err := os.WriteFile(filepath.Join(work, file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	git("-C", work, "add", file)
	git("-C", work, "commit", "-q", "-m", "all")
	git("clone", "-q", "--bare", work, bare)
	git("-C", bare, "config", "uploadpack.allowAnySHA1InWant", "true")
	s := httptest.NewServer(&cgi.Handler{Path: filepath.Join(git("--exec-path"), "git-http-backend"), Env: []string{
		"GIT_PROJECT_ROOT=" + filepath.Dir(bare), "GIT_HTTP_EXPORT_ALL=1", "HOME=" + dir,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
	}})
	t.Cleanup(s.Close)
	return s, git("-C", work, "rev-parse", "HEAD")
}

// after is the digest of a reference.
func after(ref string) string {
	_, digest, _ := strings.Cut(ref, "@")
	return digest
}

// apart is the bed with an engine and caches of its own.
func (b *bed) apart(t *testing.T) *bed {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e-") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	own := *b
	if own.homes, err = homes(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		own.must(t, "kiln", "engine", "stop", "--force")
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return &own
}

// isolated runs kiln in a network namespace that has the loopback interface
// alone.
func (b *bed) isolated(t *testing.T, args ...string) result {
	t.Helper()
	const script = `ip link set lo up; test -z "$(ip route)" || exit 99; exec "$@"`
	c := b.command(t, "kiln", args...)
	c.Path, c.Args = "", append([]string{"unshare", "--net", "sh", "-c", script, "sh"}, c.Args...)
	var err error
	if c.Path, err = exec.LookPath("unshare"); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	c.Run() //nolint:errcheck // the exit code is looked at
	return result{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}
