package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// reportFD is where a program that could not be started says why. It closes
// when the program starts.
const reportFD = 3

// confinement is what the second stage of the runner is told, as JSON in its
// argument.
type confinement struct {
	Args         []string
	Env          []string
	Dir          string
	UID, GID     int
	Capabilities []int
	Trace        bool
	Emulator     string
}

// Become makes the process that it is in the program that arg describes: with
// the user, and with no capabilities but those given, now or later. It returns
// only where that cannot be done, after saying so on reportFD.
//
// It is a process of its own because no_new_privs and the bounding set belong
// to a thread and pass to what it executes (prctl(2)).
func Become(arg string) error {
	runtime.LockOSThread()
	report := os.NewFile(reportFD, "report")
	unix.CloseOnExec(reportFD)
	var c confinement
	err := json.Unmarshal([]byte(arg), &c)
	if err == nil {
		err = c.become()
	}
	if werr := json.NewEncoder(report).Encode(refusal(err)); werr != nil {
		return werr
	}
	return err
}

// startError is why a program did not start, as it passes through reportFD.
type startError struct {
	Message string
	// Foreign is whether the kernel knows no way to execute such a program.
	Foreign bool
}

func (e *startError) Error() string { return e.Message }

func refusal(err error) *startError {
	return &startError{Message: err.Error(), Foreign: errors.Is(err, unix.ENOEXEC)}
}

func (c *confinement) become() error {
	program, err := lookup(c.Args[0], c.Env, c.Dir)
	if err != nil {
		return err
	}
	if err := c.confine(); err != nil {
		return err
	}
	// After the change of user, so that a folder that it may not enter shows.
	if err := unix.Chdir(c.Dir); err != nil {
		return fmt.Errorf("entering %s: %w", c.Dir, err)
	}
	if c.Trace {
		if _, _, errno := unix.RawSyscall(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0); errno != 0 {
			return fmt.Errorf("asking to be traced: %w", errno)
		}
	}
	program, args := c.emulated(program)
	err = unix.Exec(program, args, c.Env)
	if errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("%s is there, but not the interpreter that it names", program)
	}
	return fmt.Errorf("executing %s: %w", program, err)
}

// emulated is the program to execute, and its arguments: the emulator's, if
// there is one (qemu-user, "Command line options"; -0 is what the program is
// told that it is called).
func (c *confinement) emulated(program string) (string, []string) {
	if c.Emulator == "" {
		return program, c.Args
	}
	name, args := c.Args[0], append([]string{program}, c.Args[1:]...)
	for range 4 { // as far as the kernel goes
		line := interpreter(args[0])
		if line == nil {
			break
		}
		name, args = line[0], append(line, args...)
	}
	return c.Emulator, append([]string{c.Emulator, "-0", name}, args...)
}

// interpreter is what executes a script, with its argument if it has one: the
// first line says so (execve(2), "Interpreter scripts"). The kernel reads it,
// but an emulator does not. Of another program it is nil.
func interpreter(program string) []string {
	f, err := os.Open(program)
	if err != nil {
		return nil
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 256))
	line, script := strings.CutPrefix(string(head), "#!")
	if err != nil || !script {
		return nil
	}
	line, _, _ = strings.Cut(line, "\n")
	line = strings.Trim(line, " \t")
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		return []string{line[:i], strings.TrimLeft(line[i:], " \t")}
	}
	if line == "" {
		return nil
	}
	return []string{line}
}

// confine gives up everything that the user does not have. All of it is of
// this thread alone, which is the one that executes.
func (c *confinement) confine() error {
	keep := mask(c.Capabilities)
	for n := 0; n <= unix.CAP_LAST_CAP; n++ {
		if keep&(1<<n) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(n), 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("dropping capability %d: %w", n, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("keeping capabilities: %w", err)
	}
	if err := c.changeUser(); err != nil {
		return err
	}
	if err := setCapabilities(keep); err != nil {
		return err
	}
	for _, n := range c.Capabilities {
		// What a cluster gives by other means, such as a sysctl, a program
		// that is not root has only as an ambient capability.
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(n), 0, 0); err != nil {
			return fmt.Errorf("granting capability %d: %w", n, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting no_new_privs: %w", err)
	}
	return nil
}

func (c *confinement) changeUser() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return fmt.Errorf("leaving groups: %w", errno)
	}
	gid, uid := uintptr(c.GID), uintptr(c.UID)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, gid, gid, gid); errno != 0 {
		return fmt.Errorf("becoming group %d: %w", c.GID, errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid); errno != 0 {
		return fmt.Errorf("becoming user %d: %w", c.UID, errno)
	}
	return nil
}

func mask(capabilities []int) uint64 {
	var m uint64
	for _, n := range capabilities {
		m |= 1 << n
	}
	return m
}

func setCapabilities(m uint64) error {
	low, high := uint32(m), uint32(m>>32) //nolint:gosec // the two halves
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{
		{Effective: low, Permitted: low, Inheritable: low}, {Effective: high, Permitted: high, Inheritable: high},
	}
	if err := unix.Capset(&head, &data[0]); err != nil {
		return fmt.Errorf("setting capabilities: %w", err)
	}
	return nil
}

// lookup finds the program as execvp(3) does.
func lookup(name string, env []string, dir string) (string, error) {
	if strings.Contains(name, "/") {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("the image has no program %s", name)
		}
		return path, nil
	}
	for _, kv := range slices.Backward(env) {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for _, d := range filepath.SplitList(list) {
			path := filepath.Join(d, name)
			if fi, err := os.Stat(path); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
				return path, nil
			}
		}
		break
	}
	return "", fmt.Errorf("the image has no program %s in its PATH", name)
}
