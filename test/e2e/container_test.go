//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// container is one that podman runs: as the image says and with nothing else,
// on a read-only root, without capabilities, and without a network but its own
// loopback.
type container struct {
	podman func(t *testing.T, args ...string) result
	id     string
	pid    int
	// monitor is podman's process beside it (conmon), as a file descriptor.
	monitor int
	// port is the first that the image exposes.
	port string
}

// newPodman runs podman with storage of its own, in plain folders, which leaves
// nothing behind.
func newPodman(t *testing.T, b *bed) func(*testing.T, ...string) result {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return func(t *testing.T, args ...string) result {
		t.Helper()
		return b.must(t, "podman", append([]string{"--root", dir + "/root", "--runroot", dir + "/run",
			"--storage-driver", "vfs", "--runtime", "runc"}, args...)...)
	}
}

// start pulls an image from the registry and runs it until the test ends, with
// further options of podman's.
func start(t *testing.T, b *bed, image string, options ...string) *container {
	t.Helper()
	c := &container{podman: newPodman(t, b), monitor: -1}
	c.podman(t, "pull", "--quiet", "--cert-dir", b.certDir(t), "--authfile", filepath.Join(b.DockerConfig, "config.json"), image)
	args := append([]string{"run", "--detach", "--network=none", "--read-only", "--cap-drop=all",
		"--security-opt=no-new-privileges", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"}, options...)
	c.id = c.podman(t, append(args, image)...).last()
	t.Cleanup(func() { c.remove(t) })
	c.inspect(t, image)
	return c
}

// remove ends the container, and shows what it said if the test failed.
func (c *container) remove(t *testing.T) {
	if t.Failed() {
		r := c.podman(t, "logs", c.id)
		t.Logf("the container said:\n%s%s", r.stdout, r.stderr)
	}
	c.podman(t, "rm", "--force", "--volumes", "--time", "5", c.id)
	if c.monitor >= 0 {
		c.settle(t)
	}
}

// settle waits until the monitor has ended: after the container is gone, it
// runs a podman that cleans up, and so writes to the storage.
func (c *container) settle(t *testing.T) {
	defer func() {
		if err := unix.Close(c.monitor); err != nil {
			t.Error(err)
		}
	}()
	ended := []unix.PollFd{{Fd: int32(c.monitor), Events: unix.POLLIN}} //nolint:gosec // a file descriptor; readable at the end, pidfd_open(2)
	for {
		n, err := unix.Poll(ended, 30_000)
		if err == nil && n == 1 {
			return
		}
		if !errors.Is(err, unix.EINTR) {
			t.Fatalf("the container's monitor does not end: %v", err)
		}
	}
}

// inspect learns the container's processes and the port of its image.
func (c *container) inspect(t *testing.T, image string) {
	t.Helper()
	var monitor int
	pids := c.podman(t, "inspect", "--format", "{{.State.Pid}} {{.State.ConmonPid}}", c.id).last()
	if _, err := fmt.Sscan(pids, &c.pid, &monitor); err != nil || c.pid == 0 {
		t.Fatalf("the container does not run: %q, %v", pids, err)
	}
	var err error
	if c.monitor, err = unix.PidfdOpen(monitor, 0); err != nil {
		t.Fatalf("watching the container's monitor: %v", err)
	}
	var ports map[string]struct{}
	out := c.podman(t, "image", "inspect", "--format", "{{json .Config.ExposedPorts}}", image).stdout
	if err := json.Unmarshal([]byte(out), &ports); err != nil {
		t.Fatal(err)
	}
	for p := range ports {
		c.port, _, _ = strings.Cut(p, "/")
	}
	if c.port == "" {
		t.Fatalf("the image exposes no port: %s", out)
	}
}

// dial connects to the container's port from inside its network, as soon as
// it listens.
func (c *container) dial(ctx context.Context) (conn net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		if conn, err = c.dialOnce(); err == nil || ctx.Err() != nil {
			return conn, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// dialOnce makes the socket in the container's network namespace. The thread
// that went there is thrown away: it ends with its goroutine.
func (c *container) dialOnce() (net.Conn, error) {
	type answer struct {
		conn net.Conn
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		runtime.LockOSThread()
		conn, err := dialIn(fmt.Sprintf("/proc/%d/ns/net", c.pid), net.JoinHostPort("127.0.0.1", c.port))
		answers <- answer{conn, err}
	}()
	a := <-answers
	return a.conn, a.err
}

func dialIn(namespace, addr string) (net.Conn, error) {
	f, err := os.Open(namespace)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("entering the container's network: %w", err)
	}
	return net.DialTimeout("tcp", addr, 5*time.Second)
}
