package archive

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kiln-build/kiln/recipes"
)

// TestRealRoot makes the bootstrap root from the real archive and has dpkg
// install in it, in a namespace without network, the packages that it is made
// of and a small one besides.
func TestRealRoot(t *testing.T) {
	if os.Getuid() != 0 || testing.Short() {
		t.Skip("needs root and half a minute")
	}
	c := hostClient(t, t.TempDir())
	res, err := hostIndex(t, c, runtime.GOARCH).Resolve(Request{Seeds: []string{"make"}, Essential: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Fetch(t.Context(), FilesOf(res.Packages)); err != nil {
		t.Fatal(err)
	}
	root := unpackRoot(t, c, res.Packages)
	start := time.Now()
	if out, err := inRoot(t, root, ConfigureCommand()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("dpkg configured the root in %v", time.Since(start))
	others := slices.DeleteFunc(res.Packages, func(p recipes.Package) bool { return p.Essential })
	if out, err := inRoot(t, root, InstallCommand(copyDebs(t, c, root, others)...)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("dpkg installed %d more packages in %v", len(others), time.Since(start))
	audit, err := inRoot(t, root, []string{"dpkg", "--audit"})
	if err != nil || len(audit) > 0 {
		t.Errorf("dpkg --audit: %v\n%s", err, audit)
	}
	version, err := inRoot(t, root, []string{"make", "--version"})
	if err != nil || !bytes.Contains(version, []byte("GNU Make")) {
		t.Errorf("make --version: %v\n%s", err, version)
	}
}

func unpackRoot(t *testing.T, c *Client, packages []recipes.Package) string {
	t.Helper()
	root := t.TempDir()
	var debs []string
	for _, p := range packages {
		if p.Essential {
			debs = append(debs, c.cache.Path(p.SHA256))
		}
	}
	var tarball bytes.Buffer
	if err := WriteRootTar(&tarball, debs, 1700000000); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tar", "-C", root, "--numeric-owner", "-xpf", "-") //nolint:gosec // a command of the test itself
	cmd.Stdin = &tarball
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return root
}

func copyDebs(t *testing.T, c *Client, root string, packages []recipes.Package) []string {
	t.Helper()
	var names []string
	for _, p := range packages {
		name := "/var/tmp/" + p.Name + ".deb"
		if err := os.Link(c.cache.Path(p.SHA256), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func inRoot(t *testing.T, root string, command []string) ([]byte, error) {
	t.Helper()
	cmd := exec.Command("/usr/bin/env", append([]string{"-i"}, append(InstallEnv(), command...)...)...) //nolint:gosec // a command of the test itself
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     root,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.Bytes(), err
}
