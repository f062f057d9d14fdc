package runner

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tracer notes the system calls of a process and of all that it starts.
type tracer struct {
	calls map[int]bool
	known map[int]bool // processes and threads that have stopped before
}

func newTracer() *tracer { return &tracer{calls: map[int]bool{}, known: map[int]bool{}} }

// sorted are the calls' numbers, ascending; none for a nil tracer.
func (t *tracer) sorted() []int {
	if t == nil {
		return nil
	}
	var list []int
	for n := range t.calls {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// syscallStop is the signal of a stop at a system call, with
// PTRACE_O_TRACESYSGOOD.
const syscallStop = unix.SIGTRAP | 0x80

// stopped lets a traced thread go on, to its next system call or event
// (ptrace(2), "Stopped states").
func (t *tracer) stopped(pid int, s unix.WaitStatus) {
	deliver := 0
	switch sig := s.StopSignal(); {
	case sig == syscallStop:
		t.note(pid)
	case sig == unix.SIGTRAP && len(t.known) == 0: // the first program begins
		const follow = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK |
			unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL
		unix.PtraceSetOptions(pid, follow) //nolint:errcheck // a thread that is gone is seen to end
	case sig == unix.SIGTRAP && s.TrapCause() > 0: // an event
	case sig == unix.SIGSTOP && !t.known[pid]: // a new thread begins
	default:
		deliver = int(sig)
	}
	t.known[pid] = true
	unix.PtraceSyscall(pid, deliver) //nolint:errcheck // a thread that is gone is seen to end
}

// note records the call that a thread is at the entry of.
func (t *tracer) note(pid int) {
	var info struct { // struct ptrace_syscall_info, as far as it is needed
		Op   uint8
		_    [3]uint8
		Arch uint32
		_    [2]uint64
		Nr   uint64
		_    [64]byte
	}
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(pid),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0) //nolint:gosec // the kernel's interface
	if errno == 0 && info.Op == unix.PTRACE_SYSCALL_INFO_ENTRY {
		t.calls[int(info.Nr)] = true //nolint:gosec // a few hundred
	}
}
