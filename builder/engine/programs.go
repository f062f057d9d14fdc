package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// findPrograms fills in the paths of the programs, or says which one is
// missing and where it comes from.
func (l *launch) findPrograms(cfg Config) (err error) {
	if l.Buildkitd, err = findBuildkitd(cfg); err != nil {
		return err
	}
	if l.Runc, err = findProgram(l.Env, "runc", "runc"); err != nil {
		return err
	}
	if !rootless() {
		return nil
	}
	if l.Rootlesskit, err = findProgram(l.Env, "rootlesskit", "rootlesskit"); err != nil {
		return err
	}
	_, err = findProgram(l.Env, "newuidmap", "uidmap")
	return err
}

func findBuildkitd(cfg Config) (string, error) {
	if cfg.Buildkitd != "" {
		if !isProgram(cfg.Buildkitd) {
			return "", fmt.Errorf("buildkitd is not at %s", cfg.Buildkitd)
		}
		return filepath.Abs(cfg.Buildkitd)
	}
	beside := filepath.Join(filepath.Dir(cfg.Self), "buildkitd")
	if isProgram(beside) {
		return filepath.Abs(beside)
	}
	if p := lookPath(cfg.Env, "buildkitd"); p != "" {
		return p, nil
	}
	return "", hint(fmt.Errorf("buildkitd is neither beside kiln in %s nor in PATH", filepath.Dir(cfg.Self)),
		"`make` builds bin/buildkitd beside bin/kiln; keep the two together")
}

func findProgram(env []string, name, debian string) (string, error) {
	if p := lookPath(env, name); p != "" {
		return p, nil
	}
	return "", hint(errors.New(name+" is not installed"), "apt-get install "+debian)
}

// lookPath returns the first program of that name in env's PATH, or "".
func lookPath(env []string, name string) string {
	for _, dir := range filepath.SplitList(variable(env, "PATH")) {
		if p := filepath.Join(dir, name); filepath.IsAbs(p) && isProgram(p) {
			return p
		}
	}
	return ""
}

func isProgram(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0
}

// variable returns the value of name in env, or "". The last one counts, as in
// os/exec.
func variable(env []string, name string) string {
	for _, v := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

var daemonVariables = []string{"PATH", "HOME", "USER", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR"}

// daemonEnv is what a daemon keeps of a user's environment: enough to find
// programs and to get through a proxy, and no secrets. Ordinary users often
// lack the folders in PATH where Debian puts runc.
func daemonEnv(env []string) []string {
	var keep []string
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		if name == "PATH" && rootless() {
			v += ":/usr/local/sbin:/usr/sbin:/sbin"
		}
		if value != "" && (slices.Contains(daemonVariables, name) || isNetworkVariable(name)) {
			keep = append(keep, v)
		}
	}
	return keep
}

// isNetworkVariable is for proxies, and for the authorities that the daemon
// trusts in the place of a fetch.
func isNetworkVariable(name string) bool {
	return slices.Contains([]string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}, strings.ToUpper(name)) ||
		name == "SSL_CERT_FILE" || name == "SSL_CERT_DIR"
}

// probeRootless finds out whether user namespaces work here, and whether a
// process namespace and a network can be had in them.
func (l *launch) probeRootless(ctx context.Context) error {
	if l.Rootlesskit == "" {
		return nil
	}
	_, err := l.tryRootlesskit(ctx, rootlesskitNetwork(true)...)
	l.Slirp = err == nil
	network := rootlesskitNetwork(l.Slirp)
	if _, err := l.tryRootlesskit(ctx, append(network, "--pidns")...); err == nil {
		return nil
	}
	out, err := l.tryRootlesskit(ctx, network...)
	if err != nil {
		return hint(fmt.Errorf("trying rootlesskit: %w: %s", err, lastLines(out, 1)),
			"it needs user namespaces (kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu) "+
				"and a line for this user in /etc/subuid and /etc/subgid "+
				"(usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER)")
	}
	l.Shared = true
	return nil
}

func (l *launch) tryRootlesskit(ctx context.Context, flags ...string) (string, error) {
	cmd := exec.CommandContext(ctx, l.Rootlesskit, append(flags, "true")...) //nolint:gosec // found in PATH
	cmd.Env = l.Env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// lastLines returns the last n lines of s that are not empty.
func lastLines(s string, n int) string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
