//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestInterrupt: Ctrl-C in the middle of a build ends it soon, leaves no tag,
// and the engine builds on.
func TestInterrupt(t *testing.T) {
	b := newBed(t)
	const nap = "sleep 86399"
	recipe := b.copyRecipe(t, probe, "\nimage:", "\n    - run: "+nap+"\nimage:")
	c := b.command(t, "kiln", b.flags(recipe, "probe")...)
	var stderr lockedBuffer
	c.Stderr = &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, 5*time.Minute, "the step that sleeps", func() bool { return len(processes(nap)) > 0 })
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	c.Wait() //nolint:errcheck // the exit code is looked at below
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("it ended %s after the interrupt, want at once", d)
	}
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("got exit code %d, want 130\n%s", code, stderr.String())
	}
	await(t, 30*time.Second, "the end of the step that sleeps", func() bool { return len(processes(nap)) == 0 })
	if repos := b.repositories(t); len(repos) != 0 {
		t.Errorf("got repositories %v, want none", repos)
	}
	b.build(t, b.copyRecipe(t, probe, "1.0.0", "1.0.1"), "probe")
}

// TestShared: two builds that begin at once, with no engine running, start
// one and share it.
func TestShared(t *testing.T) {
	b := newBed(t)
	b.must(t, "kiln", "engine", "stop")
	var recipes []string
	for i := range 2 {
		recipes = append(recipes, b.copyRecipe(t, probe, "1.0.0", fmt.Sprintf("2.0.%d", i)))
	}
	var wait sync.WaitGroup
	results := make([]result, len(recipes))
	for i, recipe := range recipes {
		wait.Go(func() { results[i] = b.run(t, "kiln", b.flags(recipe, "probe")...) })
	}
	wait.Wait()
	for i, r := range results {
		if r.code != 0 {
			t.Errorf("build %d: exit code %d\n%s", i, r.code, r.stderr)
		}
	}
	if pids := b.engines(); len(pids) != 1 {
		t.Errorf("got engines %v, want one", pids)
	}
}

// TestKilled: the build after an engine was killed starts another one on the
// same cache.
func TestKilled(t *testing.T) {
	b := newBed(t)
	b.build(t, b.copyRecipe(t, probe, "1.0.0", "3.0.0"), "probe")
	pids := b.engines()
	if len(pids) != 1 {
		t.Fatalf("got engines %v, want one", pids)
	}
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.build(t, b.copyRecipe(t, probe, "1.0.0", "3.0.1"), "probe")
	if again := b.engines(); len(again) != 1 || again[0] == pids[0] {
		t.Errorf("got engines %v, want another than %v", again, pids)
	}
}

// TestEngine: status, stop and stop again.
func TestEngine(t *testing.T) {
	b := newBed(t)
	b.build(t, b.copyRecipe(t, probe, "1.0.0", "4.0.0"), "probe")
	if got := b.must(t, "kiln", "engine", "status").stdout; !strings.HasPrefix(got, "running since ") {
		t.Errorf("status does not say that the engine runs:\n%s", got)
	}
	b.must(t, "kiln", "engine", "prune", "--keep", "100000000000")
	for range 2 {
		b.must(t, "kiln", "engine", "stop")
		if pids := b.engines(); len(pids) != 0 {
			t.Errorf("got engines %v, want none", pids)
		}
	}
	if got := b.must(t, "kiln", "engine", "status").stdout; !strings.HasPrefix(got, "not running") {
		t.Errorf("status does not say that the engine was stopped:\n%s", got)
	}
}

// engines are the processes of buildkitd whose state is in the bed's folder.
func (b *bed) engines() (pids []int) {
	var state string
	for _, v := range b.homes {
		if dir, ok := strings.CutPrefix(v, "XDG_STATE_HOME="); ok {
			state = dir
		}
	}
	for pid, args := range processes(state) {
		if filepath.Base(args[0]) == "buildkitd" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// processes are all whose command line holds text, by process id.
func processes(text string) map[int][]string {
	found := map[int][]string{}
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil || len(data) == 0 {
			continue // it ended meanwhile, or is the kernel's
		}
		args := strings.Split(strings.TrimRight(string(data), "\x00"), "\x00")
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && strings.Contains(strings.Join(args, " "), text) {
			found[pid] = args
		}
	}
	return found
}

func await(t *testing.T, most time.Duration, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(most); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", most, what)
		}
	}
}

// lockedBuffer may be read while a process writes to it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
