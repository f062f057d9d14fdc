package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/kiln-build/kiln/builder/seccomp"
	"github.com/kiln-build/kiln/recipes"
)

// syscallTrace gathers the system calls that tests made, for --trace-syscalls.
// A nil one gathers nothing.
type syscallTrace struct {
	file string

	mu            sync.Mutex
	names         []string
	architectures []string
}

func newSyscallTrace(file string, builds []*build) (*syscallTrace, error) {
	if file == "" {
		return nil, nil
	}
	if len(builds) != 1 {
		return nil, usagef("kiln build: --trace-syscalls names one file, and there are %d images", len(builds))
	}
	return &syscallTrace{file: file}, nil
}

// add takes what the tests for one platform made.
func (t *syscallTrace) add(platform string, results []recipes.TestResult) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	traced := false
	for _, r := range results {
		t.names = append(t.names, r.Syscalls...)
		traced = traced || len(r.Syscalls) > 0
	}
	if _, arch, _ := strings.Cut(platform, "/"); traced {
		t.architectures = append(t.architectures, arch)
	}
}

// write writes the profile.
func (t *syscallTrace) write() error {
	if t == nil {
		return nil
	}
	if len(t.names) == 0 {
		return withHint{errors.New("writing --trace-syscalls: no test ran a program that could be traced"),
			"give the recipe a test of kind run, http or tcp, and an engine of its platform: an emulator cannot be traced"}
	}
	p, err := seccomp.New(t.names, t.architectures)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(p, "", "  ")
	if err == nil {
		err = writeWhole(t.file, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing --trace-syscalls: %w", err)
	}
	return nil
}
