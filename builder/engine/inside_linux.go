package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func childAttributes(l *launch) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if l.Rootlesskit == "" {
		attr.Cloneflags = unix.CLONE_NEWPID | unix.CLONE_NEWNS
	}
	return attr
}

// becomeBuildkitd sets up the namespaces that this process is in, removes what
// an engine that was killed has left, and executes buildkitd.
func becomeBuildkitd(l *launch) error {
	if l.Rootlesskit == "" {
		if err := mountOwn(); err != nil {
			return err
		}
	}
	removeCgroups(l)
	if err := removeLeftovers(l); err != nil {
		return err
	}
	// What a step says is not cut for being much or quick: the error may be in
	// the middle.
	env := append(slices.Clone(l.Env), "TMPDIR="+l.path("tmp"),
		"BUILDKIT_STEP_LOG_MAX_SIZE=67108864", "BUILDKIT_STEP_LOG_MAX_SPEED=-1")
	if l.Rootlesskit != "" {
		env = append(env, "XDG_RUNTIME_DIR="+l.path("run"))
	}
	// The signal that ends this process with its parent is an attribute of a
	// thread (prctl(2), PR_SET_PDEATHSIG), and the one that executes may be
	// another than the one that was started with it.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("binding buildkitd to its supervisor: %w", err)
	}
	err := unix.Exec(l.Buildkitd, buildkitdArgs(l), env)
	return fmt.Errorf("executing %s: %w", l.Buildkitd, err)
}

// mountOwn gives the process its own view of the processes in its namespace
// and of the containers that runc runs. rootlesskit does the same.
func mountOwn() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("separating mounts: %w", err)
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", "/proc", "proc", flags, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	if err := os.MkdirAll("/run/runc", 0o700); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/run/runc", "tmpfs", flags, "mode=0700"); err != nil {
		return fmt.Errorf("mounting /run/runc: %w", err)
	}
	return nil
}

// removeLeftovers empties the folders that hold nothing of use once buildkitd
// has ended: bundles of containers, runc's state, temporary files.
func removeLeftovers(l *launch) error {
	old, err := filepath.Glob(filepath.Join(l.path("root"), "runc-*", "executor"))
	if err != nil {
		return err
	}
	for _, dir := range append(old, l.path("run"), l.path("tmp")) {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing leftovers: %w", err)
		}
	}
	if err := os.Mkdir(l.path("run"), 0o700); err != nil {
		return err
	}
	return os.Mkdir(l.path("tmp"), 0o700)
}

// removeCgroups removes the control groups of containers that have ended
// without runc, and those above them; a group in use cannot be removed. runc
// makes them in every hierarchy (cgroups(7)).
func removeCgroups(l *launch) {
	if l.Rootlesskit != "" {
		return // steps of ordinary users have none
	}
	parent := l.cgroup()
	for _, group := range []string{parent + "/buildkit/*", parent + "/buildkit", parent, filepath.Dir(parent)} {
		for _, hierarchy := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
			found, _ := filepath.Glob(filepath.Join(hierarchy, group))
			for _, g := range found {
				unix.Rmdir(g) //nolint:errcheck // in use, or a file
			}
		}
	}
}

// startTicks is when a process started, in the kernel's unit since boot
// (proc_pid_stat(5), field 22), or "". A process id may be used again, but not
// with the same start.
func startTicks(pid int) string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// Field 2, in parentheses, may itself have blanks and parentheses.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}
