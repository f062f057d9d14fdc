package runner

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// watch looks at all processes of the test, often: a container engine's build
// steps have no limit of processes of their own, and without control groups
// none of memory. What is beyond a limit is killed, and noted.
type watch struct {
	job  *Job
	stop chan struct{}
	done sync.WaitGroup

	mu     sync.Mutex
	pids   int
	excess string
}

const watchInterval = 10 * time.Millisecond

func (j *Job) watch() *watch {
	w := &watch{job: j, stop: make(chan struct{})}
	w.done.Go(func() {
		for tick := time.NewTicker(watchInterval); ; {
			select {
			case <-w.stop:
				tick.Stop()
				return
			case <-tick.C:
				w.look()
			}
		}
	})
	return w
}

// end ends the watch and returns what it saw.
func (w *watch) end() (pids int, excess string) {
	close(w.stop)
	w.done.Wait()
	if w.excess == "" && w.job.Memory > 0 && oomKills() > 0 {
		w.excess = fmt.Sprintf("memory: the kernel killed it, for it needed more than %d bytes", w.job.Memory)
	}
	return w.pids, w.excess
}

func (w *watch) look() {
	var threads int
	var memory int64
	all := descendants()
	for _, p := range all {
		threads += p.threads
		if w.job.Memory > 0 {
			memory += p.anonymous()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pids = max(w.pids, threads)
	switch {
	case w.excess != "":
	case w.job.Pids > 0 && threads > w.job.Pids:
		w.excess = fmt.Sprintf("pids: it had %d processes and threads, where %d are allowed", threads, w.job.Pids)
	case w.job.Memory > 0 && memory > w.job.Memory:
		w.excess = fmt.Sprintf("memory: it had %d bytes, where %d are allowed", memory, w.job.Memory)
	}
	if w.excess != "" {
		kill(all)
	}
}

// running is a process (proc_pid_stat(5)).
type running struct {
	pid, parent, threads int
}

// descendants are the processes that the runner started, and theirs. In an
// engine without process namespaces there are others.
func descendants() []running {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	children := map[int][]running{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			continue // it has ended
		}
		// Field 2, in parentheses, may itself have blanks and parentheses.
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		if len(fields) < 18 {
			continue
		}
		p := running{pid: number(filepath.Base(filepath.Dir(f))), parent: number(fields[1]), threads: number(fields[17])}
		children[p.parent] = append(children[p.parent], p)
	}
	all := children[os.Getpid()]
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i].pid]...)
	}
	return all
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// anonymous is the memory that is of the process alone, in bytes
// (proc_pid_statm(5)): resident without shared.
func (p running) anonymous() int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid))
	fields := strings.Fields(string(data))
	if err != nil || len(fields) < 3 {
		return 0
	}
	return int64(number(fields[1])-number(fields[2])) * int64(os.Getpagesize())
}

func kill(list []running) {
	for _, p := range list {
		unix.Kill(p.pid, unix.SIGKILL) //nolint:errcheck // it may have ended
	}
}

// killRest ends what the last program has left.
func killRest() {
	for range 100 {
		all := descendants()
		if len(all) == 0 {
			return
		}
		kill(all)
		for {
			if pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil); pid <= 0 || err != nil {
				break
			}
		}
		time.Sleep(watchInterval)
	}
}

// oomKills is how many processes of the container the kernel killed for want
// of memory (the kernel's cgroup-v2.rst and cgroup-v1/memory.rst).
func oomKills() int {
	for _, f := range []string{"memory.events", "memory/memory.oom_control"} {
		data, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", f))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
				return number(n)
			}
		}
	}
	return 0
}
