// Package runner is what happens inside the container of a test: it confines
// the image's program as a cluster would, starts the service, waits until it
// listens, asks it, and says what came.
//
// It judges nothing: what was expected is known to package builder alone. It
// is compiled into the small program cmd/kiln-runner, for the engine's
// architecture, which an engine runs as root on the image's file system; the
// image's own program never is root. Start at [Job] and [Do].
package runner

import "time"

// Dir is where the container has the runner's own files: itself, the [Job],
// and a folder for the [Outcome].
const (
	Dir          = "/.kiln"
	ProgramPath  = Dir + "/bin/runner"
	EmulatorPath = Dir + "/bin/emulator"
	JobFile      = Dir + "/job/job.json"
	OutcomeDir   = Dir + "/outcome"
	OutcomeFile  = "outcome.json"
)

// Job is one test as the runner sees it.
type Job struct {
	// Args is the program to run, or the service to start. The first word is
	// looked up in Env's PATH where it has no slash.
	Args []string `json:"args"`
	// Emulator, where it is not empty, executes Args: qemu's for the image's
	// architecture. It does so for that process alone, or the interpreter of
	// a script, not for what the process executes in its turn.
	Emulator string `json:"emulator,omitempty"`
	// Env are the variables (NAME=value), Dir the folder to start in.
	Env []string `json:"env"`
	Dir string   `json:"dir"`
	UID int      `json:"uid"`
	GID int      `json:"gid"`
	// Capabilities are numbers of linux/capability.h. The program has these
	// and cannot gain others.
	Capabilities []int `json:"capabilities,omitempty"`
	// Writable are mounted folders that the program may write to.
	Writable []string `json:"writable,omitempty"`
	// Memory is in bytes, Pids in processes and threads; 0 is no limit.
	Memory int64 `json:"memory,omitempty"`
	Pids   int   `json:"pids,omitempty"`
	// Setup and Teardown are commands before and after Args, under the same
	// confinement.
	Setup    [][]string `json:"setup,omitempty"`
	Teardown [][]string `json:"teardown,omitempty"`
	// Requests are what a service is asked, in order. Where there are none,
	// Args runs to its end.
	Requests []Request `json:"requests,omitempty"`
	// StopSignal is what ends a service; 0 is SIGTERM.
	StopSignal int `json:"stopSignal,omitempty"`
	// Ready is how long a service may take until it listens at all ports of
	// Requests and answers without server errors, Limit how long everything
	// may take.
	Ready time.Duration `json:"ready,omitempty"`
	Limit time.Duration `json:"limit"`
	// Trace records the system calls.
	Trace bool `json:"trace,omitempty"`
}

// Request is one question to a service: by HTTP where Method is set, else
// over a bare TCP connection.
type Request struct {
	Port    int               `json:"port"`
	Method  string            `json:"method,omitempty"`
	Path    string            `json:"path,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    []byte            `json:"body,omitempty"`
	// Status is the status code that is wanted. A GET or HEAD that another
	// server error answers is made again for as long as Job.Ready.
	Status int `json:"status,omitempty"`
	// Patience is how long to wait for an answer's beginning, and for more of
	// it: a TCP connection need not say that it is done.
	Patience time.Duration `json:"patience,omitempty"`
	// Enough are expressions (regexp/syntax): where all match what came over
	// TCP, no more is waited for.
	Enough []string `json:"enough,omitempty"`
}

// Outcome is what happened.
type Outcome struct {
	// Trouble is why the test could not be run; empty where it could.
	Trouble string `json:"trouble,omitempty"`
	// Foreign is whether that is because the kernel cannot execute a program
	// of this format (ENOEXEC of execve(2)), as one of another machine's.
	Foreign bool `json:"foreign,omitempty"`
	// Exit is the exit code; 128 and its number for a signal. Ended is
	// whether the program ended by itself.
	Exit  int  `json:"exit"`
	Ended bool `json:"ended"`
	// Late is whether Limit was over before the end.
	Late bool `json:"late,omitempty"`
	// Silent is the port that the service did not listen at in time, or 0.
	Silent int `json:"silent,omitempty"`
	// Stdout and Stderr are the first MiB of what the program wrote.
	Stdout []byte `json:"stdout,omitempty"`
	Stderr []byte `json:"stderr,omitempty"`
	// Replies are in the order of Requests; the last may have an Error.
	Replies []Reply `json:"replies,omitempty"`
	// Excess says which limit was passed, or is empty.
	Excess string `json:"excess,omitempty"`
	// Pids is the most processes and threads that were seen.
	Pids int `json:"pids,omitempty"`
	// Syscalls are the numbers of the system calls, ascending.
	Syscalls []int `json:"syscalls,omitempty"`
}

// Reply is an answer.
type Reply struct {
	Error   string              `json:"error,omitempty"`
	Status  int                 `json:"status,omitempty"`
	Headers map[string][]string `json:"headers,omitempty"`
	Body    []byte              `json:"body,omitempty"`
}
