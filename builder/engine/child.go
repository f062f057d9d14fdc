package engine

import (
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is buildkitd, or rootlesskit with buildkitd in it.
type child struct {
	pid     int
	ended   chan struct{} // closed when it has ended, after err is set
	err     error
	clients *lockFile
}

// startChild starts buildkitd in namespaces of its own, so that the kernel
// takes with it all that it leaves behind when it is killed: the steps that
// run, and the mounts. It is itself killed with its supervisor.
func startChild(l *launch, log io.Writer) (*child, error) {
	cmd := exec.Command(l.Self, "engine", "serve", l.StateDir, "inside") //nolint:gosec // kiln itself
	if l.Rootlesskit != "" {
		cmd = exec.Command(l.Rootlesskit, rootlesskitArgs(l, cmd.Args)...) //nolint:gosec // found in PATH
	}
	cmd.Dir, cmd.Env = l.StateDir, l.Env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes(l)
	c := &child{ended: make(chan struct{})}
	started := make(chan error, 1)
	go c.run(cmd, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting buildkitd: %w", err)
	}
	return c, nil
}

// run starts cmd and waits for its end on one thread: the death of the thread
// that started it is what the kernel takes for the death of the parent.
func (c *child) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	c.pid = cmd.Process.Pid
	started <- nil
	if c.err = cmd.Wait(); c.err == nil {
		c.err = fmt.Errorf("exit status 0")
	}
	close(c.ended)
}

// stop ends buildkitd: politely, and after stopGrace by force.
func (c *child) stop() {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		syscall.Kill(c.pid, s) //nolint:errcheck // it may have ended
		select {
		case <-c.ended:
			return
		case <-time.After(stopGrace):
		}
	}
}

// kill ends buildkitd before it can do anything more.
func (c *child) kill() {
	syscall.Kill(c.pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
}

func rootlesskitArgs(l *launch, command []string) []string {
	args := append(rootlesskitNetwork(l.Slirp), "--propagation=rslave")
	if !l.Shared {
		args = append(args, "--pidns")
	}
	return append(args, command...)
}

// rootlesskitNetwork is the machine's network, or one of slirp4netns, with a
// resolv.conf of its own and without what listens on the machine's loopback.
func rootlesskitNetwork(slirp bool) []string {
	if !slirp {
		return []string{"--net=host"}
	}
	return []string{"--net=slirp4netns", "--copy-up=/etc", "--disable-host-loopback"}
}

func buildkitdArgs(l *launch) []string {
	args := []string{l.Buildkitd, "--config", l.path("buildkitd.toml"), "--group="}
	if l.Shared {
		args = append(args, "--oci-worker-no-process-sandbox")
	}
	return args
}
