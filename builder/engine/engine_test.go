package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/builder/engine"
)

// hintOf is the way out that comes with an error, or "".
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

func TestEngineStartsAndBuilds(t *testing.T) {
	cfg := newConfig(t)
	e := connect(t, cfg)
	want := "embedded"
	if os.Geteuid() != 0 {
		want = "embedded rootless"
	}
	if got := e.Where(); got != want {
		t.Errorf("Where() = %q, want %q", got, want)
	}
	if got, want := e.Version, "v0.33.1"; got != want {
		t.Errorf("Version = %q, want %q", got, want)
	}
	if got, err := e.Platforms(t.Context()); err != nil || got[0] != "linux/"+runtime.GOARCH {
		t.Errorf("Platforms() = %q, %v, want this machine's first", got, err)
	}
	solveFile(t, e, "hello")
	runStep(t, e, newRootfs(t), "true")
	s := status(t, cfg)
	if !s.Running || s.Clients != 1 || len(s.Workers) != 1 || s.CacheBytes == 0 || s.Since.IsZero() {
		t.Errorf("status of an engine in use: %+v", s)
	}
	if fi, err := os.Stat(s.Socket); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v; want mode 0600", fi, err)
	}
}

func TestProcessesShareOneEngine(t *testing.T) {
	cfg := newConfig(t)
	arg, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pids := make([]string, 6)
	var wg sync.WaitGroup
	for i := range pids {
		wg.Go(func() {
			out, err := exec.Command(cfg.Self, "connect", string(arg)).CombinedOutput() //nolint:gosec // this program
			if err != nil {
				t.Errorf("process %d: %v\n%s", i, err, out)
			}
			pids[i] = strings.TrimSpace(string(out))
		})
	}
	wg.Wait()
	want := strconv.Itoa(status(t, cfg).PID)
	for i, got := range pids {
		if got != want {
			t.Errorf("process %d: engine has pid %q, want %q", i, got, want)
		}
	}
}

func TestIdleEngineStops(t *testing.T) {
	cfg := newConfig(t)
	cfg.Idle = 300 * time.Millisecond
	e := connect(t, cfg)
	pid := status(t, cfg).PID
	time.Sleep(3 * cfg.Idle)
	if !status(t, cfg).Running {
		t.Fatal("engine stopped while a client was connected")
	}
	disconnect(t, e)
	eventually(t, "stop of the idle engine", func() bool { return !isRunning(pid) })
	connect(t, cfg)
	if got := status(t, cfg).PID; got == pid {
		t.Errorf("engine has pid %d as before its stop", got)
	}
}

// TestRemovedStateEndsEngine: an engine whose state was removed ends, and
// leaves the next one in that folder alone.
func TestRemovedStateEndsEngine(t *testing.T) {
	cfg := newConfig(t)
	disconnect(t, connect(t, cfg))
	old := pidsOf(t, cfg)
	if err := os.RemoveAll(cfg.StateDir); err != nil {
		t.Fatal(err)
	}
	next := connect(t, cfg)
	for _, pid := range old {
		eventually(t, "end of process "+strconv.Itoa(pid), func() bool { return !isRunning(pid) })
	}
	solveFile(t, next, "after")
	if got := status(t, cfg); !got.Running || slices.Contains(old, got.PID) {
		t.Errorf("status %+v, want a running engine that is not one of %v", got, old)
	}
	disconnect(t, next)
	solveFile(t, connect(t, cfg), "again")
}

func TestNewConfigurationReplacesUnusedEngine(t *testing.T) {
	cfg := newConfig(t)
	used := connect(t, cfg)
	pid := status(t, cfg).PID
	other := cfg
	other.CacheLimit = 1 << 30
	second := connect(t, other)
	if used.Outdated || !second.Outdated {
		t.Errorf("outdated for the one that started it: %v, for one with other settings: %v", used.Outdated, second.Outdated)
	}
	if got := status(t, cfg).PID; got != pid {
		t.Errorf("engine in use was replaced: pid %d, want %d", got, pid)
	}
	disconnect(t, second)
	disconnect(t, used)
	solveFile(t, connect(t, other), "other")
	if got := status(t, cfg).PID; got == pid {
		t.Error("unused engine of another configuration was not replaced")
	}
}

func TestStop(t *testing.T) {
	cfg := newConfig(t)
	ctx := t.Context()
	if err := engine.Stop(ctx, cfg, false); err != nil {
		t.Errorf("stopping an engine that does not run: %v", err)
	}
	e := connect(t, cfg)
	runStep(t, e, newRootfs(t), "true")
	pids, id := pidsOf(t, cfg), engineID(status(t, cfg).Socket)
	if len(cgroups(t, id)) == 0 {
		t.Errorf("engine %s has no control groups", id)
	}
	if err := engine.Stop(ctx, cfg, false); !errors.Is(err, engine.ErrBusy) || hintOf(err) == "" {
		t.Errorf("Stop with a client: %v, want ErrBusy with a hint", err)
	}
	disconnect(t, e)
	if err := engine.Stop(ctx, cfg, false); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids { // a process lets go of its lock just before it is gone
		eventually(t, "end of process "+strconv.Itoa(pid), func() bool { return !isRunning(pid) })
	}
	if left := cgroups(t, id); len(left) > 0 {
		t.Errorf("control groups are left: %v", left)
	}
	got := status(t, cfg)
	if diff := cmp.Diff(engine.Status{StateDir: cfg.StateDir}, got); diff != "" {
		t.Errorf("status of a stopped engine (-want +got):\n%s", diff)
	}
}

func TestForcedStopWhileBuilding(t *testing.T) {
	cfg := newConfig(t)
	e := connect(t, cfg)
	solved := startSleep(t, e, newRootfs(t))
	if err := engine.Stop(t.Context(), cfg, true); err != nil {
		t.Fatal(err)
	}
	if err := <-solved; err == nil {
		t.Error("a build went on after the engine's forced stop")
	}
	assertNoSteps(t)
}

func TestPrune(t *testing.T) {
	cfg := newConfig(t)
	e := connect(t, cfg)
	solveFile(t, e, strings.Repeat("x", 1<<20))
	before := status(t, cfg).CacheBytes
	if freed, err := engine.Prune(t.Context(), cfg, true, before*2); err != nil || freed != 0 {
		t.Errorf("Prune keeping more than there is: freed %d, %v; want 0, nil", freed, err)
	}
	freed, err := engine.Prune(t.Context(), cfg, true, 0)
	if err != nil {
		t.Fatal(err)
	}
	if after := status(t, cfg).CacheBytes; freed < 1<<20 || after != before-freed {
		t.Errorf("Prune: %d before, %d freed, %d left", before, freed, after)
	}
	solveFile(t, e, "after")
}

func TestConnectHonoursContext(t *testing.T) {
	cfg := newConfig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e, err := engine.Connect(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("Connect with an ended context: %v, %v", e, err)
	}
}
