package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// address is where the registry listens unless KILN_QUICKSTART_ADDR says
// otherwise. Its files are kept, so its name should be, too.
const address = "127.0.0.1:5050"

const registryProgram = "bin/registry"

// startRegistry returns the address of the registry, which it starts unless
// an earlier run left it running.
func startRegistry() (string, error) {
	addr := os.Getenv("KILN_QUICKSTART_ADDR")
	if addr == "" {
		addr = address
	}
	if _, ok := registryPID(); ok {
		return addr, answers(addr)
	}
	if l, err := net.Listen("tcp", addr); err != nil {
		return "", fmt.Errorf("starting the registry: %w\n  hint: KILN_QUICKSTART_ADDR=127.0.0.1:PORT takes another port", err)
	} else if err := l.Close(); err != nil {
		return "", err
	}
	config, err := writeConfig(addr)
	if err != nil {
		return "", err
	}
	out, err := os.Create(filepath.Join(work, "registry.log"))
	if err != nil {
		return "", err
	}
	defer out.Close() // the registry has it, too
	fmt.Fprintf(os.Stderr, "\n$ %s serve %s &\n", registryProgram, config)
	c := exec.Command(registryProgram, "serve", config) //nolint:gosec // as above
	c.Stdout, c.Stderr = out, out
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it outlives this program
	if err := c.Start(); err != nil {
		return "", fmt.Errorf("starting the registry: %w", err)
	}
	if err := os.WriteFile(pidFile(), []byte(strconv.Itoa(c.Process.Pid)), 0o644); err != nil {
		return "", err
	}
	return addr, answers(addr)
}

func writeConfig(addr string) (string, error) {
	data, err := filepath.Abs(filepath.Join(work, "registry"))
	if err != nil {
		return "", err
	}
	path := filepath.Join(work, "registry.yaml")
	text := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", data, addr)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// answers waits until the registry answers.
func answers(addr string) error {
	var last error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get("http://" + addr + "/v2/") //nolint:gosec // the registry's own address
		if err == nil {
			return resp.Body.Close()
		}
		last = err
	}
	return fmt.Errorf("waiting for the registry (its log is %s): %w", filepath.Join(work, "registry.log"), last)
}

func pidFile() string { return filepath.Join(work, "registry.pid") }

// registryPID is the registry's process, if the one in the pid file is it.
func registryPID() (int, bool) {
	data, err := os.ReadFile(pidFile())
	if err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(string(data))
	if err != nil {
		return 0, false
	}
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return pid, err == nil && bytes.HasPrefix(args, []byte(registryProgram+"\x00"))
}

// stop ends the registry and kiln's engine.
func stop() error {
	if pid, ok := registryPID(); ok {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			return fmt.Errorf("stopping the registry: %w", err)
		}
	}
	if err := os.Remove(pidFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(kiln); err != nil {
		return nil // never built, never started
	}
	_, err := shell("engine", "stop")
	return err
}
