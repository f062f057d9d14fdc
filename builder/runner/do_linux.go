package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Run does the job in jobFile and writes its [Outcome] below dir.
func Run(ctx context.Context, jobFile, dir string) error {
	data, err := os.ReadFile(jobFile)
	if err != nil {
		return err
	}
	var j Job
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("reading %s: %w", jobFile, err)
	}
	o, err := Do(ctx, &j)
	if err != nil {
		var why *startError
		o.Trouble, o.Foreign = err.Error(), errors.As(err, &why) && why.Foreign
	}
	if data, err = json.Marshal(o); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, OutcomeFile), data, 0o600)
}

// Do does the job. An error says that the test could not be run; what there
// is of the outcome is returned with it.
func Do(ctx context.Context, j *Job) (*Outcome, error) {
	o := &Outcome{}
	// Orphans become children of the runner, so that it can see and end them.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return o, fmt.Errorf("adopting orphans: %w", err)
	}
	for _, dir := range j.Writable {
		if err := hand(dir, j.GID); err != nil {
			return o, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, j.Limit)
	defer cancel()
	w := j.watch()
	err := j.do(ctx, o)
	o.Pids, o.Excess = w.end()
	killRest()
	return o, err
}

// hand makes a mounted folder the user's to write to, in the way in which
// Kubernetes does it for a volume and the pod's fsGroup.
func hand(dir string, gid int) error {
	if err := os.Chown(dir, 0, gid); err != nil {
		return err
	}
	return os.Chmod(dir, 0o777|os.ModeSetgid)
}

func (j *Job) do(ctx context.Context, o *Outcome) error {
	for _, args := range j.Setup {
		if err := j.aside(ctx, "setup", args, o); err != nil || o.Late {
			return err
		}
	}
	stdout, stderr := &output{}, &output{}
	p, err := j.start(j.Args, stdout, stderr)
	if err != nil {
		return err
	}
	if len(j.Requests) > 0 {
		j.ask(ctx, p, o)
		j.stopService(ctx, p)
	} else {
		j.await(ctx, p, o)
	}
	o.Stdout, o.Stderr, o.Syscalls = stdout.bytes(), stderr.bytes(), p.calls.sorted()
	for _, args := range j.Teardown {
		if err := j.aside(ctx, "teardown", args, o); err != nil {
			return err
		}
	}
	return nil
}

// await waits for the program's end.
func (j *Job) await(ctx context.Context, p *process, o *Outcome) {
	select {
	case <-p.done:
		o.Exit, o.Ended = p.exit, true
	case <-ctx.Done():
		o.Late = true
		kill(descendants())
		<-p.done
	}
}

// aside runs a command before or after the test's own.
func (j *Job) aside(ctx context.Context, what string, args []string, o *Outcome) error {
	stdout, stderr := &output{}, &output{}
	aside := *j
	aside.Trace = false
	p, err := aside.start(args, stdout, stderr)
	if err != nil {
		return fmt.Errorf("%s command %q: %w", what, args, err)
	}
	var ended Outcome
	j.await(ctx, p, &ended)
	if ended.Late {
		o.Late = true
		return nil
	}
	if ended.Exit != 0 {
		return fmt.Errorf("%s command %q ended with exit code %d: %s", what, args, ended.Exit, stderr.bytes())
	}
	return nil
}

// grace is how long a service may take to end when it is asked to.
const grace = 5 * time.Second

func (j *Job) stopService(ctx context.Context, p *process) {
	signal := unix.SIGTERM
	if j.StopSignal != 0 {
		signal = syscall.Signal(j.StopSignal)
	}
	unix.Kill(p.pid, signal) //nolint:errcheck // it may have ended
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	select {
	case <-p.done:
	case <-ctx.Done():
		kill(descendants())
		<-p.done
	}
}
