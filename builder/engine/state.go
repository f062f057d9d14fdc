package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/moby/buildkit/client"
	"golang.org/x/sys/unix"
)

// running is what state.json says about an engine that is ready. It is to be
// believed only while engine.lock is held.
type running struct {
	PID       int    // the supervisor
	Started   string // startTicks of PID
	Buildkitd int    // its child: buildkitd, or rootlesskit around it
	Socket    string // path
	Version   string // of buildkitd
	Digest    string // launch.Digest
}

func readRunning(stateDir string) (*running, error) {
	data, err := os.ReadFile(filepath.Join(stateDir, "state.json"))
	if err != nil {
		return nil, err
	}
	r := &running{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("reading state.json: %w", err)
	}
	return r, nil
}

func (r *running) write(stateDir string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(stateDir, "state.json"), append(data, '\n'))
}

// dial connects to the engine's socket and waits for its answer.
func (r *running) dial(ctx context.Context) (*Engine, error) {
	return dialSocket(ctx, r.Socket, r.Version)
}

func dialSocket(ctx context.Context, socket, version string) (*Engine, error) {
	if err := unix.Access(socket, unix.W_OK); err != nil {
		return nil, err
	}
	c, err := client.New(ctx, "unix://"+socket)
	if err != nil {
		return nil, err
	}
	where := "embedded"
	if rootless() {
		where = "embedded rootless"
	}
	e, err := newEngine(ctx, c, where)
	if err != nil {
		return nil, err
	}
	if version != "" {
		e.Version = version
	}
	return e, nil
}

// shutdown asks the supervisor to stop and waits until it has. It must only be
// called while nobody can start another one.
func (r *running) shutdown(ctx context.Context, stateDir string) error {
	lock := filepath.Join(stateDir, "engine.lock")
	if !isLocked(lock) {
		return nil
	}
	if startTicks(r.PID) == r.Started {
		if err := syscall.Kill(r.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stopping engine: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, stopGrace+10*time.Second)
	defer cancel()
	for isLocked(lock) {
		if err := pause(ctx); err != nil {
			return fmt.Errorf("stopping engine: process %d does not end: %w", r.PID, err)
		}
	}
	return nil
}

// isMissing reports whether err says that a file is not there.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
