package push

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/kiln-build/kiln/recipes"
)

func TestLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out", "nats")
	img := image(t)
	desc, err := WriteLayout(t.Context(), dir, img, attachTwo, []string{"1.0", "latest"})
	if err != nil {
		t.Fatal(err)
	}
	path, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index, validate.Fast); err != nil {
		t.Errorf("layout is not valid: %v", err)
	}
	stored, err := ReadLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := stored.Top.Digest(); got != desc.Digest {
		t.Errorf("got image %s, want %s", got, desc.Digest)
	}
	if want := []string{"1.0", "latest"}; !cmp.Equal(want, stored.Tags) {
		t.Errorf("tags: %s", cmp.Diff(want, stored.Tags))
	}
	before := snapshot(t, dir)
	if _, err := WriteLayout(t.Context(), dir, img, attachTwo, []string{"1.0", "latest"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
		t.Errorf("writing again changes the layout: %s", diff)
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(entries) != 1 {
		t.Errorf("got %v beside the layout (%v), want nothing", entries, err)
	}

	// From there to a registry, twice.
	s := newServer(t, false)
	r, repo := fast(t, Config{}), s.repo(t, "platform/nats")
	for range 2 {
		ref, err := r.Push(t.Context(), repo, stored.Top, attachTwo, stored.Tags)
		if err != nil {
			t.Fatal(err)
		}
		checkAttached(t, r, ref)
	}
}

func TestLayoutFailureLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	noKey := errors.New("no key")
	fail := func(context.Context, v1.Descriptor, recipes.Attached) ([]recipes.Attachment, error) {
		return nil, noKey
	}
	if _, err := WriteLayout(t.Context(), dir, image(t), fail, nil); !errors.Is(err, noKey) {
		t.Errorf("got %v, want %v", err, noKey)
	}
	if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := WriteLayout(ctx, dir, image(t), nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestLayoutKeepsForeignFolders(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "thesis.txt")
	if err := os.WriteFile(precious, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var typed *Error
	if _, err := WriteLayout(t.Context(), dir, image(t), nil, nil); !errors.As(err, &typed) {
		t.Errorf("got %v, want an *Error", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestLayoutHoldsOneImage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	if _, err := WriteLayout(t.Context(), dir, image(t), attachTwo, []string{"1.0"}); err != nil {
		t.Fatal(err)
	}
	other, _ := attachTwo(t.Context(), v1.Descriptor{}, recipes.Attached{})
	desc, err := WriteLayout(t.Context(), dir, other[2].Image, nil, []string{"2.0"})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := ReadLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := stored.Top.Digest(); got != desc.Digest || len(stored.Attachments) != 0 {
		t.Errorf("got %s with %d attachments, want %s with none", got, len(stored.Attachments), desc.Digest)
	}
}

// snapshot maps a folder's files to their content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // a folder of the test alone
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestArchiveIsDeterministic(t *testing.T) {
	tag, err := name.NewTag("registry.corp/platform/nats:1.0")
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for range 25 {
		var b bytes.Buffer
		if err := Archive(&b, image(t), tag); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b.Bytes()
		}
		if !bytes.Equal(first, b.Bytes()) {
			t.Fatal("the same image gave other bytes")
		}
	}
}

// engine puts a program named as a container engine, and nothing else, into
// PATH.
func engine(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestLoad(t *testing.T) {
	tag, err := name.NewTag("registry.corp/platform/nats:1.0")
	if err != nil {
		t.Fatal(err)
	}
	got := filepath.Join(t.TempDir(), "got.tar")
	engine(t, "podman", `case $1 in load) /bin/cat >`+got+`;; esac`)
	used, err := Load(t.Context(), image(t), tag)
	if err != nil || used != "podman" {
		t.Fatalf("got %s, %v, want podman", used, err)
	}
	var want bytes.Buffer
	if err := Archive(&want, image(t), tag); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(got); err != nil || !bytes.Equal(data, want.Bytes()) {
		t.Errorf("podman was given %d bytes (%v), want %d", len(data), err, want.Len())
	}
}

func TestLoadFails(t *testing.T) {
	tag, err := name.NewTag("registry.corp/platform/nats:1.0")
	if err != nil {
		t.Fatal(err)
	}
	engine(t, "docker", "echo Cannot connect to the daemon >&2; exit 1")
	if _, err := Load(t.Context(), image(t), tag); !errors.Is(err, ErrNoEngine) || !strings.Contains(err.Error(), "Cannot connect") {
		t.Errorf("no daemon: got %v, want %v and what docker said", err, ErrNoEngine)
	}
	engine(t, "docker", "case $1 in load) echo no space left; exit 1;; esac")
	if _, err := Load(t.Context(), image(t), tag); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("load fails: got %v, want what docker said", err)
	}
}

// With podman on the machine the image really is loaded.
func TestLoadIntoPodman(t *testing.T) {
	if _, err := exec.LookPath("podman"); err != nil {
		t.Skip("no podman on this machine")
	}
	tag, err := name.NewTag("kiln.test/load:" + strings.ToLower(t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	used, err := Load(t.Context(), runnable(t), tag)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { exec.Command(used, "rmi", tag.String()).Run() })                                                                    //nolint:errcheck,gosec // cleaning up
	out, err := exec.CommandContext(t.Context(), used, "image", "inspect", "--format", "{{.Architecture}}", tag.String()).CombinedOutput() //nolint:gosec // a test
	if err != nil || strings.TrimSpace(string(out)) != "amd64" {
		t.Errorf("got %s, %v, want amd64", out, err)
	}
}
