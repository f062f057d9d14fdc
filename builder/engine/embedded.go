package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startTimeout is for a start with a large cache on a slow disk.
const startTimeout = 60 * time.Second

// answerTimeout is for an engine that is there to answer once.
const answerTimeout = 5 * time.Second

// connectEmbedded connects to the running engine, or starts it first.
func connectEmbedded(ctx context.Context, cfg Config) (*Engine, error) {
	l, missing := newLaunch(cfg)
	if cfg.StateDir == "" {
		return nil, missing
	}
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return nil, err
	}
	clients, err := openLock(filepath.Join(cfg.StateDir, "clients"))
	if err != nil {
		return nil, err
	}
	e, err := attachOrStart(ctx, cfg, l, missing, clients)
	if err != nil {
		clients.Close()
		return nil, err
	}
	e.clients = clients
	return e, nil
}

// attachOrStart returns with the shared lock of clients held.
func attachOrStart(ctx context.Context, cfg Config, l *launch, missing error, clients *lockFile) (*Engine, error) {
	if err := clients.wait(ctx, unix.LOCK_SH); err != nil {
		return nil, err
	}
	if e := attach(ctx, cfg.StateDir, l); e != nil {
		return e, nil
	}
	if missing != nil {
		return nil, missing
	}
	if err := l.probeRootless(ctx); err != nil {
		return nil, err
	}
	start, err := lock(ctx, l.path("start.lock"))
	if err != nil {
		return nil, err
	}
	defer start.Close()
	return startEngine(ctx, cfg, l, clients)
}

// attach returns a connection to the running engine where that answers and has
// the configuration of l, or any where l is nil.
func attach(ctx context.Context, stateDir string, l *launch) *Engine {
	r, err := readRunning(stateDir)
	if err != nil || l != nil && r.Digest != l.Digest {
		return nil
	}
	return r.attach(ctx)
}

func (r *running) attach(ctx context.Context) *Engine {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	e, err := r.dial(ctx)
	if err != nil {
		return nil
	}
	return e
}

// startEngine runs while start.lock is held. Another process may have started
// the engine meanwhile; an engine with another configuration, or one that does
// not answer, is replaced unless others use it.
func startEngine(ctx context.Context, cfg Config, l *launch, clients *lockFile) (*Engine, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errNotReady)
	defer cancel()
	for {
		if e := attach(ctx, l.StateDir, l); e != nil {
			return e, nil
		}
		if !isLocked(l.path("engine.lock")) {
			if err := l.write(cfg); err != nil {
				return nil, fmt.Errorf("writing the engine's configuration: %w", err)
			}
			return spawn(ctx, l)
		}
		if e, err := useOrReplace(ctx, l, clients); e != nil || err != nil {
			return e, err
		}
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("starting engine: %w", err)
		}
	}
}

var errNotReady = errors.New("engine is not ready in time")

// useOrReplace deals with a supervisor that has another configuration, does
// not answer, or is not ready yet. It returns nothing where the next look may
// show something else.
func useOrReplace(ctx context.Context, l *launch, clients *lockFile) (*Engine, error) {
	r, err := readRunning(l.StateDir)
	if isMissing(err) {
		return nil, nil // starting or stopping
	}
	if err != nil {
		return nil, err
	}
	alone := clients.tryExclusive(ctx) == nil
	if alone {
		err = r.shutdown(ctx, l.StateDir)
	}
	if err := errors.Join(err, clients.wait(ctx, unix.LOCK_SH)); err != nil || alone {
		return nil, err
	}
	e := r.attach(ctx)
	if e != nil {
		e.Outdated = r.Digest != l.Digest
	}
	return e, nil
}

// spawn starts the supervisor in a session of its own, so that no Ctrl-C of
// this terminal reaches it, and waits until the engine answers.
func spawn(ctx context.Context, l *launch) (*Engine, error) {
	os.Remove(l.path("state.json")) //nolint:errcheck // stale, or not there
	log, err := openLog(l.path("engine.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the supervisor writes to it
	begin := log.size
	cmd := exec.Command(l.Self, "engine", "serve", l.StateDir) //nolint:gosec // kiln itself
	cmd.Dir, cmd.Env = l.StateDir, l.Env
	cmd.Stdout, cmd.Stderr = log.file, log.file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting engine: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return awaitStart(ctx, l, ended, begin)
}

// awaitStart polls for the engine's state file until it answers or its
// supervisor has ended, which leaves the reason in the log after begin.
func awaitStart(ctx context.Context, l *launch, ended <-chan error, begin int64) (*Engine, error) {
	for {
		r, err := readRunning(l.StateDir)
		if err == nil {
			return r.dial(ctx)
		}
		select {
		case err := <-ended:
			if err == nil {
				err = errors.New("stopped by another process")
			}
			return nil, hint(fmt.Errorf("starting engine: %w: %s", err, logTail(l.path("engine.log"), begin)),
				"the whole log is in "+l.path("engine.log"))
		default:
		}
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("starting engine: %w", err)
		}
	}
}
