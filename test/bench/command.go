package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// command runs a program with env added to the environment and returns its
// standard output. Where it fails, the error ends with what it wrote.
func command(ctx context.Context, env []string, name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(ctx, name, args...) //nolint:gosec // runs the tools that it times
	c.Env = append(os.Environ(), env...)
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, tail(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// tail is the end of a log.
func tail(s string) string {
	const most = 4000
	return s[max(0, len(s)-most):]
}

// daemon is a program that runs until it is stopped.
type daemon struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// start runs a program in the background, its output in the file log, and
// waits until ready returns nil.
func start(ctx context.Context, log string, ready func() error, name string, args ...string) (*daemon, error) {
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := exec.Command(name, args...) //nolint:gosec // runs the daemons of the benchmark
	c.Stdout, c.Stderr = f, f
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.Start(); err != nil {
		return nil, err
	}
	d := &daemon{cmd: c, done: make(chan struct{})}
	go func() {
		c.Wait() //nolint:errcheck // how a daemon ends is in its log
		close(d.done)
	}()
	if err := d.await(ctx, ready); err != nil {
		d.stop()
		return nil, fmt.Errorf("starting %s (see %s): %w", name, log, err)
	}
	return d, nil
}

func (d *daemon) await(ctx context.Context, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-d.done:
			return fmt.Errorf("it ended: %w", err)
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the daemon and waits until it is gone.
func (d *daemon) stop() {
	d.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may be gone
	select {
	case <-d.done:
	case <-time.After(20 * time.Second):
		d.cmd.Process.Kill() //nolint:errcheck // as above
		<-d.done
	}
}
