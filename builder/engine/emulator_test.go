package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kiln-build/kiln/builder/engine"
)

// An emulator that needs a loader would not start in a container, and a script
// is none.
func TestEmulator(t *testing.T) {
	dir := t.TempDir()
	env := []string{"PATH=" + dir}
	if got := engine.Emulator(env, "arm64"); got != "" {
		t.Errorf("got %s in an empty PATH", got)
	}
	put := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put("qemu-aarch64-static", []byte("#!/bin/sh\n"))
	put("qemu-aarch64", elfFile(3)) // PT_INTERP
	if got := engine.Emulator(env, "arm64"); got != "" {
		t.Errorf("got %s, which is no static program", got)
	}
	want := put("qemu-aarch64", elfFile(1)) // PT_LOAD
	if got := engine.Emulator(env, "arm64"); got != want {
		t.Errorf("got %q, want %s", got, want)
	}
	if got := engine.Emulator(env, "s390x"); got != "" {
		t.Errorf("got %s for s390x", got)
	}
}

// elfFile is the beginning of a program for amd64 with one segment of the given
// type (elf(5)).
func elfFile(segment byte) []byte {
	b := make([]byte, 64+56)
	copy(b, "\x7fELF\x02\x01\x01")
	b[16], b[18], b[20] = 2, 62, 1 // ET_EXEC, EM_X86_64, EV_CURRENT
	b[32] = 64                     // where the segments are
	b[52], b[54], b[56] = 64, 56, 1
	b[64] = segment
	return b
}
