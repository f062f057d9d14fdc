//go:build e2e

// Package e2e tests the kiln program as its users meet it: the real binary
// with its embedded engine, a real registry with TLS and a password, and the
// programs that others read images with: cosign, skopeo and podman.
//
// It needs root and a filled bin/: run it by `make e2e`. What one package
// can show by itself is tested there. Start at TestCatalog.
package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain gives all tests one engine and one cache, empty at first, and
// stops that engine at the end.
func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	// A socket's path must stay under 108 bytes.
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		return 1, err
	}
	if shared, err = homes(dir); err != nil {
		return 1, err
	}
	defer func() {
		stop := exec.Command(program("kiln"), "engine", "stop") //nolint:gosec // the program under test
		stop.Env = append(os.Environ(), shared...)
		err = errors.Join(err, stop.Run(), os.RemoveAll(dir))
	}()
	return m.Run(), nil
}

// shared is the environment of the engine and cache that tests share.
var shared []string

// homes is the environment of a kiln that keeps everything below dir.
func homes(dir string) (env []string, err error) {
	for _, v := range []string{"CACHE_HOME", "STATE_HOME", "CONFIG_HOME", "DATA_HOME", "RUNTIME_DIR"} {
		path := filepath.Join(dir, strings.ToLower(v))
		if err := os.Mkdir(path, 0o700); err != nil {
			return nil, err
		}
		env = append(env, "XDG_"+v+"="+path)
	}
	return env, nil
}

// root is the repository's folder; tests run in their own.
func root() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}

// program is the path of one that make builds.
func program(name string) string { return filepath.Join(root(), "bin", name) }

// takesLong skips a test unless all are run, for what it does meanwhile.
func takesLong(t *testing.T, doing string) {
	t.Helper()
	if testing.Short() {
		t.Skip(doing + " takes long: run it by `make e2e-all`")
	}
}

// sample is what is tested each time, and with it, unless -short is given, the
// rest, which takes long.
func sample(always []string, rest ...string) []string {
	if testing.Short() {
		return always
	}
	return append(always, rest...)
}
