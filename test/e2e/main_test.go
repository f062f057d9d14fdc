//go:build e2e

// Package e2e tests the kiln program as its users meet it: the real binary
// with its embedded engine, a real registry with TLS and a password, and the
// programs that others read images with: cosign, skopeo and podman.
//
// It needs root and a filled bin/: run it by `make e2e`. What one package
// can show by itself is tested there. Start at TestCatalog.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	defer os.RemoveAll(dir)
	for _, v := range homes(dir) {
		os.Setenv(v[0], v[1])
		if err := os.MkdirAll(v[1], 0o700); err != nil {
			return 1, err
		}
	}
	os.Setenv("COSIGN_PASSWORD", "")
	defer exec.Command(program("kiln"), "engine", "stop").Run()
	return m.Run(), nil
}

// homes are the variables that say where kiln keeps things, all below dir.
func homes(dir string) [][2]string {
	return [][2]string{
		{"XDG_CACHE_HOME", filepath.Join(dir, "cache")},
		{"XDG_STATE_HOME", filepath.Join(dir, "state")},
		{"XDG_CONFIG_HOME", filepath.Join(dir, "config")},
		{"XDG_DATA_HOME", filepath.Join(dir, "data")},
		{"XDG_RUNTIME_DIR", filepath.Join(dir, "run")},
	}
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
