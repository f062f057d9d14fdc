package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"golang.org/x/sys/unix"
)

// Status is what is known about the embedded engine. Where it does not run,
// only StateDir is set.
type Status struct {
	Running  bool
	StateDir string
	// PID is the supervisor's process, Buildkitd that of buildkitd or of
	// rootlesskit around it.
	PID, Buildkitd int
	Since          time.Time
	Version        string
	// Socket is the path where the engine listens.
	Socket string
	// CacheBytes is the size of the build cache.
	CacheBytes int64
	Workers    []Worker
	// Clients is how many processes are connected, as far as this one may see.
	Clients int
}

// Worker is one worker of the engine.
type Worker struct {
	ID string
	// Platforms are what it can run, as os/arch[/variant].
	Platforms []string
	// Snapshotter is how it lays file systems over each other.
	Snapshotter string
}

// ErrBusy says that the engine is not stopped because others are connected.
var ErrBusy = errors.New("engine is in use")

// GetStatus looks at the embedded engine of cfg and does not start it.
func GetStatus(ctx context.Context, cfg Config) (Status, error) {
	s := Status{StateDir: cfg.StateDir}
	r := find(cfg.StateDir)
	if r == nil {
		return s, nil
	}
	s.Running, s.PID, s.Buildkitd, s.Socket = true, r.PID, r.Buildkitd, r.Socket
	if fi, err := os.Stat(filepath.Join(cfg.StateDir, "state.json")); err == nil {
		s.Since = fi.ModTime()
	}
	s.Clients = countClients(filepath.Join(cfg.StateDir, "clients"))
	e := r.attach(ctx)
	if e == nil {
		return s, fmt.Errorf("asking engine: no answer at %s", r.Socket)
	}
	defer e.Close() //nolint:errcheck // only asked
	s.Version = e.Version
	if err := s.ask(ctx, e.Client); err != nil {
		return s, fmt.Errorf("asking engine: %w", err)
	}
	return s, nil
}

// find returns the running engine, or nil.
func find(stateDir string) *running {
	r, err := readRunning(stateDir)
	if err != nil || !isLocked(filepath.Join(stateDir, "engine.lock")) {
		return nil
	}
	return r
}

func (s *Status) ask(ctx context.Context, c *client.Client) error {
	usage, err := c.DiskUsage(ctx)
	if err != nil {
		return err
	}
	for _, u := range usage {
		s.CacheBytes += u.Size
	}
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return err
	}
	for _, w := range workers {
		one := Worker{ID: w.ID, Snapshotter: w.Labels["org.mobyproject.buildkit.worker.snapshotter"]}
		for _, p := range w.Platforms {
			one.Platforms = append(one.Platforms, platforms.Format(p))
		}
		s.Workers = append(s.Workers, one)
	}
	return nil
}

// countClients counts the shared locks of a file in the kernel's list
// (proc_locks(5)).
func countClients(path string) int {
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil {
		return 0
	}
	data, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0
	}
	inode := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	n := 0
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 5 && f[1] == "FLOCK" && f[3] == "READ" && f[5] == inode {
			n++
		}
	}
	return n
}

// Stop ends the embedded engine and waits until it has ended; one that does
// not run is no error. While others are connected it returns [ErrBusy], unless
// force is set: then their builds fail.
func Stop(ctx context.Context, cfg Config, force bool) error {
	if _, err := os.Stat(cfg.StateDir); isMissing(err) {
		return nil
	}
	start, err := lock(ctx, filepath.Join(cfg.StateDir, "start.lock"))
	if err != nil {
		return fmt.Errorf("stopping engine: %w", err)
	}
	defer start.Close()
	clients, err := openLock(filepath.Join(cfg.StateDir, "clients"))
	if err != nil {
		return fmt.Errorf("stopping engine: %w", err)
	}
	defer clients.Close()
	r := find(cfg.StateDir)
	if r == nil {
		return nil
	}
	if err := clients.tryExclusive(ctx); err != nil && !force {
		return hint(fmt.Errorf("stopping engine: %w", ErrBusy), "wait for the builds, or stop it with --force")
	}
	return r.shutdown(ctx, cfg.StateDir)
}

// Prune removes what the cache holds beyond keepBytes, the longest unused
// first, and returns how many bytes that freed. Without all it spares what
// BuildKit made for itself, such as images of frontends. What running builds
// use stays. The engine is started if necessary.
func Prune(ctx context.Context, cfg Config, all bool, keepBytes int64) (int64, error) {
	e, err := Connect(ctx, cfg)
	if err != nil {
		return 0, err
	}
	defer e.Close() //nolint:errcheck // nothing was written
	opts := []client.PruneOption{client.WithKeepOpt(0, 0, keepBytes, 0)}
	if all {
		opts = append(opts, client.PruneAll)
	}
	pruned := make(chan client.UsageInfo)
	done := make(chan error, 1)
	go func() {
		done <- e.Prune(ctx, pruned, opts...)
		close(pruned)
	}()
	var freed int64
	for u := range pruned {
		freed += u.Size
	}
	if err := <-done; err != nil {
		return freed, fmt.Errorf("pruning cache: %w", err)
	}
	return freed, nil
}
