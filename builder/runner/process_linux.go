package runner

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxOutput is how much of each stream is kept, in bytes.
const maxOutput = 1 << 20

// process is a program of the image that was started.
type process struct {
	pid    int
	done   chan struct{} // closed when it has ended
	exit   int           // then
	stdout *output
	stderr *output
	calls  *tracer // what it called, once done; nil where not traced
	uid    int
	gid    int
}

// start runs the program under the job's confinement.
func (j *Job) start(args []string, stdout, stderr *output) (*process, error) {
	arg, err := json.Marshal(confinement{
		Args: args, Env: j.Env, Dir: j.Dir, UID: j.UID, GID: j.GID, Capabilities: j.Capabilities, Trace: j.Trace,
		Emulator: j.Emulator,
	})
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{done: make(chan struct{}), stdout: stdout, stderr: stderr, uid: j.UID, gid: j.GID}
	if j.Trace {
		p.calls = newTracer()
	}
	started := make(chan error)
	go p.run(exec.Command(self, "become", string(arg)), started) //nolint:gosec // itself
	return p, <-started
}

// run starts the command and sees to its end. It stays on one thread, for to
// the kernel that is who traces (ptrace(2)).
func (p *process) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	report, reported, err := os.Pipe()
	if err != nil {
		started <- err
		return
	}
	defer report.Close()
	cmd.ExtraFiles = []*os.File{reported}
	cmd.Env = []string{"GOMAXPROCS=1", "GOGC=off"}
	finish, err := p.pipes(cmd)
	if err == nil {
		err = cmd.Start()
	}
	reported.Close()
	if err != nil {
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	refused := make(chan error, 1)
	go func() {
		err := readRefusal(report)
		refused <- err
		started <- err
	}()
	p.exit = reap(p.pid, p.calls)
	finish()
	close(p.done)
	<-refused //nolint:errcheck // start has it too
}

// readRefusal is what the second stage says before the program starts, which
// closes the pipe: nil where it does.
func readRefusal(report io.Reader) error {
	var why startError
	err := json.NewDecoder(report).Decode(&why)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return &why
}

// pipes connects the command's output. The function that it returns waits a
// moment for what is still to come: a child may hold the pipe for ever.
func (p *process) pipes(cmd *exec.Cmd) (func(), error) {
	var wg sync.WaitGroup
	var ours, theirs []*os.File
	for _, s := range []struct {
		to  *output
		cmd *io.Writer
	}{{p.stdout, &cmd.Stdout}, {p.stderr, &cmd.Stderr}} {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		*s.cmd = w
		// Or it could not open /dev/stdout: container engines do the same.
		if err := w.Chown(p.uid, p.gid); err != nil {
			return nil, err
		}
		ours, theirs = append(ours, r), append(theirs, w)
		wg.Go(func() { io.Copy(s.to, r) }) //nolint:errcheck // it ends when it ends
	}
	return func() {
		for _, w := range theirs {
			w.Close()
		}
		ended := make(chan struct{})
		go func() { wg.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(time.Second):
		}
		for _, r := range ours {
			r.Close()
		}
	}, nil
}

// output keeps the beginning of what is written to it.
type output struct {
	mu   sync.Mutex
	data []byte
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.data = append(o.data, b[:min(len(b), maxOutput-len(o.data))]...)
	return len(b), nil
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]byte(nil), o.data...)
}

// exitCode is that of a shell: the code, or 128 and the signal's number.
func exitCode(s unix.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// reap waits until the process pid has ended, and meanwhile for whoever else
// ends: orphans are the runner's. What is traced, t lets go on.
func reap(pid int, t *tracer) (exit int) {
	for {
		var s unix.WaitStatus
		who, err := unix.Wait4(-1, &s, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return -1
		case s.Stopped() && t != nil:
			t.stopped(who, s)
		case who == pid && (s.Exited() || s.Signaled()):
			return exitCode(s)
		}
	}
}

// within reports whether the process ends within the time, or has ended.
func (p *process) within(d time.Duration) bool {
	select {
	case <-p.done:
		return true
	default:
	}
	select {
	case <-p.done:
		return true
	case <-time.After(d):
		return false
	}
}
