package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/builder/engine"
)

func TestUnavailableListsAllChoices(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("an ordinary user's PATH is extended by the folders that have runc")
	}
	cfg := newConfig(t)
	cfg.Env = []string{"PATH=" + t.TempDir()}
	_, err := engine.Connect(t.Context(), cfg)
	var unavailable *engine.UnavailableError
	if !errors.As(err, &unavailable) {
		t.Fatalf("Connect without programs: %v, want UnavailableError", err)
	}
	want := `connecting to a build engine: none can be used
  embedded engine: runc is not installed
    hint: apt-get install runc
  docker: docker is not installed
    hint: apt-get install docker.io
  remote engine: no address is set
    hint: name one with --engine, KILN_ENGINE or BUILDKIT_HOST, such as tcp://buildkit.corp:1234`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestMissingBuildkitd(t *testing.T) {
	cfg := newConfig(t)
	cfg.Buildkitd = ""
	cfg.Self = filepath.Join(t.TempDir(), "kiln")
	cfg.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"} // make puts bin/ into PATH
	_, err := engine.Connect(t.Context(), cfg)
	if want := "buildkitd is neither beside kiln"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Connect: %v, want %q", err, want)
	}
}

// TestBrokenBuildkitd checks that the reason for which buildkitd ends comes
// from its log to the user.
func TestBrokenBuildkitd(t *testing.T) {
	cfg := newConfig(t)
	cfg.Buildkitd = filepath.Join(t.TempDir(), "buildkitd")
	script := "#!/bin/sh\necho 'the disk is on fire' >&2\nexit 3\n"
	if err := os.WriteFile(cfg.Buildkitd, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := engine.Connect(t.Context(), cfg)
	for _, want := range []string{"the disk is on fire", "exit status 3", "engine.log"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Connect: %v, want %q", err, want)
		}
	}
	if status(t, cfg).Running {
		t.Error("the supervisor outlives a buildkitd that does not start")
	}
}

func TestDockerWithoutDaemon(t *testing.T) {
	cfg := newConfig(t)
	dir := t.TempDir()
	script := "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	cfg.Env, cfg.Buildkitd = []string{"PATH=" + dir}, "/nonexistent"
	_, err := engine.Connect(t.Context(), cfg)
	if want := "docker: asking the daemon: Cannot connect"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Connect: %v, want %q", err, want)
	}
}
