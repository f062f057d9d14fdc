package engine

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// stopGrace is how long buildkitd gets to end when asked to. It needs it
	// only where builds go on, which it would wait for.
	stopGrace = 3 * time.Second
	// killedGrace is how long the kernel may take to end a killed engine.
	killedGrace = 10 * time.Second
	// clientsPause is the time between two looks for clients.
	clientsPause = time.Second
)

// Serve is the other side of [Connect]: the supervisor of the embedded engine.
// A hidden command "engine serve" of kiln calls it with the arguments that
// follow, which only this package gives meaning to. It returns when the engine
// was idle for long enough or was told to stop by SIGTERM; an error says that
// buildkitd did not start or died.
//
// Arguments are STATE-DIR for the supervisor, and STATE-DIR "inside" for the
// process that becomes buildkitd once it is in its namespaces.
func Serve(ctx context.Context, args []string) error {
	if len(args) == 0 || len(args) > 2 {
		return errors.New("running engine: this command is for kiln itself; use `kiln engine status`")
	}
	l, err := readLaunch(args[0])
	if err != nil {
		return fmt.Errorf("running engine: %w", err)
	}
	if len(args) == 2 {
		return fmt.Errorf("running engine: %w", becomeBuildkitd(l))
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := supervise(ctx, l); err != nil {
		return fmt.Errorf("running engine: %w", err)
	}
	return nil
}

// supervise holds engine.lock while buildkitd runs.
func supervise(ctx context.Context, l *launch) error {
	held, err := lockWithin(ctx, l.path("engine.lock"), 5*time.Second)
	if err != nil {
		return err
	}
	defer held.Close()
	os.Remove(l.path("state.json")) //nolint:errcheck // stale, or not there
	if err := awaitPredecessor(ctx, l); err != nil {
		return err
	}
	log, err := openLog(l.path("engine.log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // a log
	defer removeCgroups(l)
	child, err := startChild(l, log)
	if err != nil {
		return err
	}
	defer child.stop()
	if err := child.ready(ctx, l); err != nil {
		return err
	}
	err = child.watch(ctx, l, held)
	if held.isAt(l.path("engine.lock")) {
		os.Remove(l.path("state.json")) //nolint:errcheck // gone, or found stale later
		os.Remove(l.Socket)             //nolint:errcheck // as above
	} else {
		child.kill() // asked to end, it would take along a successor's socket
	}
	return err
}

// errRemoved is the end of an engine whose state somebody removed.
var errRemoved = errors.New("the state folder was removed")

func lockWithin(ctx context.Context, path string, d time.Duration) (*lockFile, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return lock(ctx, path)
}

// awaitPredecessor waits for the end of a buildkitd whose supervisor was
// killed a moment ago. buildkitd holds this lock while it lives.
func awaitPredecessor(ctx context.Context, l *launch) error {
	if err := os.MkdirAll(l.path("root"), 0o700); err != nil {
		return err
	}
	held, err := lockWithin(ctx, filepath.Join(l.path("root"), "buildkitd.lock"), killedGrace)
	if err != nil {
		return err
	}
	return held.Close()
}

// ready waits until buildkitd answers and then makes it known.
func (c *child) ready(ctx context.Context, l *launch) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		e, err := dialSocket(ctx, l.Socket, moduleVersion(l.Buildkitd))
		if err == nil {
			defer e.Close() //nolint:errcheck // only asked for its version
			return c.announce(l, e.Version)
		}
		select {
		case <-c.ended:
			return fmt.Errorf("buildkitd ended at its start: %w", c.err)
		default:
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("waiting for buildkitd: %w", err)
		}
	}
}

func (c *child) announce(l *launch, version string) error {
	if err := os.Chmod(l.Socket, 0o600); err != nil {
		return err
	}
	r := &running{
		PID: os.Getpid(), Started: startTicks(os.Getpid()), Buildkitd: c.pid,
		Socket: l.Socket, Version: version, Digest: l.Digest,
	}
	return r.write(l.StateDir)
}

// watch returns when there was no client for the idle time, when ctx ends, or
// with an error when buildkitd does or the state folder with the lock held is
// there no more.
func (c *child) watch(ctx context.Context, l *launch, held *lockFile) error {
	clients, err := openLock(l.path("clients"))
	if err != nil {
		return err
	}
	// Closing drops the lock, in supervise's return after buildkitd's end.
	c.clients = clients
	idle := time.NewTimer(l.Idle)
	tick := time.NewTicker(min(clientsPause, l.Idle/4+time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.ended:
			return fmt.Errorf("buildkitd died: %w", c.err)
		case <-tick.C:
			if !held.isAt(l.path("engine.lock")) {
				return errRemoved
			}
			if left := l.Idle - unusedFor(clients); left > 0 {
				idle.Reset(left)
			}
		case <-idle.C:
			if clients.try(unix.LOCK_EX) == nil {
				return nil
			}
			idle.Reset(l.Idle)
		}
	}
}

// unusedFor is how long ago the last client was there.
func unusedFor(clients *lockFile) time.Duration {
	if clients.try(unix.LOCK_EX) != nil {
		return 0
	}
	clients.unlock()
	fi, err := clients.Stat()
	if err != nil {
		return 0
	}
	return time.Since(fi.ModTime())
}

// moduleVersion is the version of BuildKit that a program was built from, or ""
// where it does not say. A buildkitd that was built without special flags does
// not know its own version, but its build info does.
func moduleVersion(program string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return ""
	}
	return buildkitVersion(info)
}

func buildkitVersion(info *debug.BuildInfo) string {
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == "github.com/moby/buildkit" && m.Replace == nil {
			return m.Version
		}
	}
	return ""
}
