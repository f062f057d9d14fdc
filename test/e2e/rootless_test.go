//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRootless has an ordinary user lock and build a service whose modules are
// fetched, with an engine of that user: it is the image that root builds.
func TestRootless(t *testing.T) {
	takesLong(t, "compiling NATS twice")
	b := newBed(t)
	recipe := b.copyRecipe(t, catalog("nats"))
	want := b.build(t, recipe, "rootless").Digest
	u := newUser(t)
	own := filepath.Join(u.home, "nats", filepath.Base(recipe))
	if err := os.CopyFS(filepath.Dir(own), os.DirFS(filepath.Dir(recipe))); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(lockOf(own)); err != nil {
		t.Fatal(err)
	}
	command(t, "chown", "-R", u.name+":", u.home)
	u.must(t, "lock", own)
	if got, want := read(t, lockOf(own)), read(t, lockOf(recipe)); got != want {
		t.Errorf("without root the lock is\n%s\nwith root\n%s", got, want)
	}
	out := u.must(t, "build", own, "--oci", filepath.Join(u.home, "nats.oci"))
	if !strings.HasSuffix(strings.TrimSpace(out), "@"+want) {
		t.Errorf("without root the image is %q, with root %s", out, want)
	}
}

// user is an ordinary user of this machine, with the programs in its home.
type user struct {
	name, home string
}

// newUser makes one, until the end of the test.
func newUser(t *testing.T) *user {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a user")
	}
	u := &user{name: fmt.Sprintf("kiln-%d", os.Getpid())}
	var err error
	if u.home, err = os.MkdirTemp("", "rootless-"); err != nil { // t.TempDir is for root alone
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command(t, "userdel", u.name)
		if err := os.RemoveAll(u.home); err != nil {
			t.Error(err)
		}
	})
	command(t, "useradd", "--home-dir", u.home, "--shell", "/bin/sh", u.name) // with subordinate ids, as Debian has it
	for _, name := range []string{"kiln", "buildkitd", "kiln-runner-amd64", "kiln-runner-arm64"} {
		command(t, "cp", program(name), u.home)
	}
	allowTun(t)
	t.Cleanup(func() { u.must(t, "engine", "stop") })
	return u
}

// allowTun lets users open the device that slirp4netns takes, which udev does
// where it runs.
func allowTun(t *testing.T) {
	t.Helper()
	const tun = "/dev/net/tun"
	fi, err := os.Stat(tun)
	if err != nil {
		t.Skipf("no network for engines without root: %v", err)
	}
	if err := os.Chmod(tun, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(tun, fi.Mode().Perm()); err != nil {
			t.Error(err)
		}
	})
}

// must runs kiln as the user, and returns its stdout.
func (u *user) must(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.Command("runuser", append([]string{"-u", u.name, "--", filepath.Join(u.home, "kiln")}, args...)...) //nolint:gosec // the program under test
	c.Dir = u.home
	c.Env = append(os.Environ(), "HOME="+u.home, "USER="+u.name, "TMPDIR="+u.home, "XDG_RUNTIME_DIR=")
	for _, v := range []string{"CACHE", "STATE", "CONFIG", "DATA"} {
		c.Env = append(c.Env, "XDG_"+v+"_HOME="+filepath.Join(u.home, strings.ToLower(v)))
	}
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("as %s: kiln %s: %v\n%s", u.name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// command runs a program of the machine, which must succeed.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil { //nolint:gosec // fixed by the test
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
