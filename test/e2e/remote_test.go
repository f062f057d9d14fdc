//go:build e2e

package e2e

import (
	"archive/zip"
	"net"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/kiln-build/kiln/test/registry"
)

// TestRemoteFetch: an engine at a tcp:// address with mutual TLS records what
// steps fetch, refuses what the lock does not allow, and builds, as the
// embedded one does, to the same digest.
func TestRemoteFetch(t *testing.T) {
	takesLong(t, "building on a second engine that begins empty")
	b, p := newBed(t), newProxy(t)
	b.env = append(b.env, "GOPROXY="+p.URL, "GONOSUMDB=*")
	recipe := b.dependent(t)
	lock := read(t, lockOf(recipe))
	embedded := b.build(t, recipe, "embedded")

	remote := b.apart(t)
	ca, cert, key := registry.Certificates(t)
	remote.env = append(b.env[:len(b.env):len(b.env)], "KILN_ENGINE="+remoteEngine(t, ca, cert, key),
		"KILN_ENGINE_CA="+ca, "KILN_ENGINE_CERT="+cert, "KILN_ENGINE_KEY="+key)
	before := p.requests()
	remote.must(t, "kiln", "lock", recipe)
	if p.requests() == before {
		t.Error("to lock, nothing was asked for")
	}
	if again := read(t, lockOf(recipe)); again != lock {
		t.Errorf("by the remote engine the lock is\n%s\nwant\n%s", again, lock)
	}
	remote.forget(t, recipe)
	p.serve(depZip, moduleZip(t, zip.Store, depCode))
	remote.mustFail(t, 1, []string{"recipe.yaml:12:7: ", p.URL + depZip + " has sha256 ", "the lock has "}, remote.flags(recipe, "remote")...)
	p.serve(depZip, moduleZip(t, zip.Deflate, depCode))
	if out := remote.build(t, recipe, "remote"); out.Digest != embedded.Digest {
		t.Errorf("by the remote engine it is %s, by the embedded one %s", out.Digest, embedded.Digest)
	}
}

// remoteEngine starts a buildkitd that serves clients with a certificate of the
// CA, and returns its address.
func remoteEngine(t *testing.T, ca, cert, key string) string {
	t.Helper()
	address := freeAddress(t)
	return runEngine(t, address, "--addr", "tcp://"+address, "--root", t.TempDir(),
		"--containerd-worker=false", "--tlscacert", ca, "--tlscert", cert, "--tlskey", key)
}

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// runEngine runs a buildkitd that listens on the address until the test ends,
// and returns its address as clients have it.
func runEngine(t *testing.T, address string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), program("buildkitd"), args...) //nolint:gosec // the program under test
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = time.Minute
	c.Stderr = t.Output()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Wait() }) //nolint:errcheck // it was told to end
	await(t, time.Minute, "the remote engine", func() bool {
		conn, err := net.Dial("tcp", address)
		return err == nil && conn.Close() == nil
	})
	return "tcp://" + address
}
