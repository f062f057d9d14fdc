// Package seccomp writes the profile of a service from the system calls that
// it was seen to make: what it never made, the kernel refuses.
//
// It traces nothing; that is done by package runner. Start at [New].
package seccomp

import (
	"bufio"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Profile is a seccomp profile as Docker, podman and Kubernetes read it
// (opencontainers/runtime-spec, config-linux.md, "Seccomp", in the form of
// containers/common).
type Profile struct {
	DefaultAction string `json:"defaultAction"`
	// DefaultErrnoRet is ENOSYS, by which libraries fall back to an older call
	// where they know one.
	DefaultErrnoRet int      `json:"defaultErrnoRet"`
	Architectures   []string `json:"architectures"`
	Syscalls        []Rule   `json:"syscalls"`
}

// Rule is what happens to system calls.
type Rule struct {
	Names  []string `json:"names"`
	Action string   `json:"action"`
}

const enosys = 38

// New returns the profile that allows the system calls with the names, and
// those that starting a container takes, for the architectures (as in GOARCH).
func New(names, architectures []string) (*Profile, error) {
	p := &Profile{DefaultAction: "SCMP_ACT_ERRNO", DefaultErrnoRet: enosys}
	for _, arch := range architectures {
		name := map[string]string{"amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64"}[arch]
		if name == "" {
			return nil, fmt.Errorf("writing seccomp profile: there is none for %s", arch)
		}
		p.Architectures = append(p.Architectures, name)
	}
	all := append(slices.Clone(names), starting()...)
	slices.Sort(all)
	slices.Sort(p.Architectures)
	p.Architectures = slices.Compact(p.Architectures)
	p.Syscalls = []Rule{{Names: slices.Compact(all), Action: "SCMP_ACT_ALLOW"}}
	return p, nil
}

// starting are the calls that runc makes between setting the filter and
// executing the service: it closes files that it does not hand on
// (/proc/self/fd), and executes. It is a Go program, so that its other threads
// wait, sleep, allocate and are signalled meanwhile. The last line ends
// processes and returns from signals, which a trace may not have seen.
func starting() []string {
	return []string{
		"close", "close_range", "execve", "fcntl", "fstat", "fstatfs", "getdents64", "newfstatat", "openat", "openat2", "prctl", "read", "write",
		"clone", "clone3", "epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "futex", "getpid", "gettid", "madvise", "mmap", "munmap",
		"nanosleep", "rt_sigaction", "rt_sigprocmask", "sched_yield", "set_robust_list", "sigaltstack", "tgkill",
		"exit", "exit_group", "restart_syscall", "rt_sigreturn",
	}
}

// The numbers of system calls by architecture, as "NUMBER NAME" lines, from
// golang.org/x/sys/unix.
//
//go:embed names
var tables embed.FS

// Names are the names of system calls of an architecture (as in GOARCH). A
// number without a name is an error.
func Names(arch string, numbers []int) ([]string, error) {
	data, err := tables.ReadFile("names/" + arch + ".txt")
	if err != nil {
		return nil, fmt.Errorf("naming system calls: no table for %s", arch)
	}
	table := map[int]string{}
	for lines := bufio.NewScanner(strings.NewReader(string(data))); lines.Scan(); {
		number, name, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("naming system calls: %w", err)
		}
		table[n] = name
	}
	var names []string
	for _, n := range numbers {
		name, ok := table[n]
		if !ok {
			return nil, fmt.Errorf("naming system calls: linux/%s has none with the number %d that is known here", arch, n)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}
