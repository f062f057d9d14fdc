// Package failed is about a step of a build that failed: it opens a terminal
// in what the step left, saves that in a file, and opens such a file again on
// another machine.
//
// It is not for finding out which step failed, nor for showing it. Start at
// [Left] for a step that has just failed, and at [Open] for a file.
package failed

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Format is the version of the files that this package reads and writes.
const Format = 1

// Step says what failed, as failed.json in a file. Secrets that a fetch was
// given are no part of it.
type Step struct {
	Format int `json:"format"`
	// Recipe is the path of the recipe as the user gave it, Line and Col the
	// step's place in it.
	Recipe string `json:"recipe"`
	Line   int    `json:"line"`
	Col    int    `json:"col"`
	// Name is the step's title.
	Name string `json:"name"`
	// Args, Env (NAME=value), Cwd and User are those of its command.
	Args []string `json:"args"`
	Env  []string `json:"env,omitempty"`
	Cwd  string   `json:"cwd"`
	User string   `json:"user,omitempty"`
	// Network is whether it had one.
	Network bool `json:"network,omitempty"`
	// Platform is what it ran on, as os/arch.
	Platform string `json:"platform"`
	// Exit is the exit code, or -1, and Log the last lines it printed.
	Exit   int      `json:"exit"`
	Log    []string `json:"log,omitempty"`
	Mounts []Mount  `json:"mounts"`
}

// Kinds of mounts.
const (
	// Files are kept in the file.
	Files = "files"
	// Memory is a file system in memory, which begins empty.
	Memory = "memory"
	// Cache is a compiler's cache, which begins empty on another machine.
	Cache = "cache"
)

// Mount is one file system of the step.
type Mount struct {
	// Dest is where it is mounted; the first one's is /.
	Dest     string `json:"dest"`
	Kind     string `json:"kind"`
	Readonly bool   `json:"readonly,omitempty"`
	// Selector is the path within its files that is mounted; empty is all.
	Selector string `json:"selector,omitempty"`
	// Image is the digest of the image that holds its files.
	Image string `json:"image,omitempty"`
}

// parseStep reads failed.json, which may come from anywhere.
func parseStep(raw []byte) (*Step, error) {
	s := &Step{}
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, fmt.Errorf("reading failed.json: %w", err)
	}
	switch {
	case s.Format != Format:
		return nil, fmt.Errorf("reading failed.json: its format is %d, this kiln reads %d", s.Format, Format)
	case len(s.Args) == 0 || len(s.Mounts) == 0 || s.Mounts[0].Dest != "/" || s.Mounts[0].Kind != Files:
		return nil, errors.New("reading failed.json: it has no command or no root")
	case strings.Count(s.Platform, "/") != 1:
		return nil, fmt.Errorf("reading failed.json: platform %q is not os/arch", s.Platform)
	}
	for _, m := range s.Mounts {
		if err := m.check(); err != nil {
			return nil, fmt.Errorf("reading failed.json: mount %q: %w", m.Dest, err)
		}
	}
	return s, nil
}

func (m Mount) check() error {
	switch {
	case !path.IsAbs(m.Dest) || path.Clean(m.Dest) != m.Dest:
		return errors.New("it is not an absolute, clean path")
	case slices.Contains(strings.Split(m.Selector, "/"), ".."):
		return errors.New("its selector leads out of it")
	case m.Kind != Files && m.Kind != Memory && m.Kind != Cache:
		return fmt.Errorf("its kind %q is unknown", m.Kind)
	case (m.Kind == Files) != isDigest(m.Image):
		return errors.New("its files are not named by a digest")
	}
	return nil
}

func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && isHex(hex)
}

func isHex(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
