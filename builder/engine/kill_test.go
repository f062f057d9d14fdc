package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/builder/engine"
)

func TestKilledBuildkitdIsRestarted(t *testing.T) {
	cfg := newConfig(t)
	r := newRootfs(t)
	for range 3 {
		e := connect(t, cfg)
		solved := startSleep(t, e, r)
		pids := pidsOf(t, cfg)
		kill(t, status(t, cfg).Buildkitd)
		if err := <-solved; err == nil {
			t.Error("a build outlived its engine")
		}
		// This client is still connected, as a real one would be that retries.
		again := connect(t, cfg)
		assertSound(t, again, r, pids)
		disconnect(t, e)
		disconnect(t, again)
	}
}

func TestKilledSupervisorTakesBuildkitdAlong(t *testing.T) {
	cfg := newConfig(t)
	r := newRootfs(t)
	e := connect(t, cfg)
	solved := startSleep(t, e, r)
	pids := pidsOf(t, cfg)
	kill(t, status(t, cfg).PID)
	if err := <-solved; err == nil {
		t.Error("a build outlived its engine")
	}
	disconnect(t, e)
	assertSound(t, connect(t, cfg), r, pids)
}

func TestCancelledSolveLeavesEngineSound(t *testing.T) {
	cfg := newConfig(t)
	r := newRootfs(t)
	e := connect(t, cfg)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		solved := make(chan error, 1)
		go func() { solved <- solve(ctx, e, r.run([]string{"sleep"}, llb.IgnoreCache).Root(), "", r.stores) }()
		eventually(t, "start of the step", func() bool { return len(steps(t)) > 0 })
		cancel()
		if err := <-solved; err == nil || !strings.Contains(err.Error(), "context canceled") {
			t.Errorf("cancelled solve: %v", err)
		}
		assertNoSteps(t)
		runStep(t, e, r, "true")
	}
	solveFile(t, e, "after")
}

// assertSound checks that nothing of the killed engine is left and that
// another one builds.
func assertSound(t *testing.T, e *engine.Engine, r rootfs, killed []int) {
	t.Helper()
	for _, pid := range killed {
		eventually(t, "end of process "+strconv.Itoa(pid), func() bool { return !isRunning(pid) })
	}
	assertNoSteps(t)
	if mounts := mountsBelow(t, filepath.Dir(filepath.Dir(t.TempDir()))); len(mounts) > 0 {
		t.Errorf("mounts of the killed engine are left: %v", mounts)
	}
	solveFile(t, e, "again")
	runStep(t, e, r, "true")
}

// startSleep starts a solve whose step sleeps, and returns once it does.
func startSleep(t *testing.T, e *engine.Engine, r rootfs) <-chan error {
	t.Helper()
	solved := make(chan error, 1)
	go func() {
		solved <- solve(context.Background(), e, r.run([]string{"sleep"}, llb.IgnoreCache).Root(), "", r.stores)
	}()
	eventually(t, "start of the step", func() bool { return len(steps(t)) > 0 })
	return solved
}

func runStep(t testing.TB, e *engine.Engine, r rootfs, args ...string) {
	t.Helper()
	if err := solve(t.Context(), e, r.run(args, llb.IgnoreCache).Root(), "", r.stores); err != nil {
		t.Fatal(err)
	}
}

func assertNoSteps(t *testing.T) {
	t.Helper()
	eventually(t, "end of all steps", func() bool { return len(steps(t)) == 0 })
}

// steps are the processes of sleeping steps, of whatever engine.
func steps(t testing.TB) []string {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range dirs {
		if cmdline, err := os.ReadFile(d + "/cmdline"); err == nil && string(cmdline) == "/step\x00sleep\x00" {
			found = append(found, d)
		}
	}
	return found
}

// pidsOf are the processes of the engine: supervisor, child and all below.
func pidsOf(t testing.TB, cfg engine.Config) []int {
	t.Helper()
	pids := []int{status(t, cfg).PID}
	for i := 0; i < len(pids); i++ {
		tasks, err := filepath.Glob("/proc/" + strconv.Itoa(pids[i]) + "/task/*/children")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range tasks {
			data, err := os.ReadFile(f)
			if err != nil {
				continue // a thread that has ended
			}
			for _, s := range strings.Fields(string(data)) {
				pid, err := strconv.Atoi(s)
				if err != nil {
					t.Fatal(err)
				}
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func kill(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// isRunning is false for a zombie as well: this process is the parent of
// supervisors and reaps them when it gets to it.
func isRunning(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	return !strings.HasPrefix(string(stat[strings.LastIndex(string(stat), ")")+1:]), " Z")
}

func mountsBelow(t testing.TB, dir string) []string {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, " "+dir+"/") {
			found = append(found, line)
		}
	}
	return found
}

// engineID is what tells an engine from others, in the name of its socket.
func engineID(socket string) string {
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(socket), "engine-"), ".sock")
}

// cgroups are the control groups of an embedded engine.
func cgroups(t testing.TB, id string) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup/kiln/" + id, "/sys/fs/cgroup/*/kiln/" + id} {
		groups, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, groups...)
	}
	return found
}
