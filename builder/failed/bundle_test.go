package failed

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var step = Step{
	Format: Format, Recipe: "r.yaml", Line: 3, Col: 7, Name: "make", Args: []string{"make"}, Cwd: "/src", Platform: "linux/amd64", Exit: 2,
	Mounts: []Mount{{Dest: "/", Kind: Files}, {Dest: "/tmp", Kind: Memory}, {Dest: "/src", Kind: Files, Selector: "/src"}},
}

// stream is what tar says of the step's mounts.
func stream(t *testing.T, names ...string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, n := range names {
		h := &tar.Header{Name: n, Mode: 0o755, Typeflag: tar.TypeDir}
		if !strings.HasSuffix(n, "/") {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(n))
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			fmt.Fprint(w, n)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func written(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	s := step
	s.Mounts = append([]Mount{}, step.Mounts...)
	if err := writeBundle(&b, s, stream(t, names...)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBundle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, written(t, "0/", "0/usr/", "0/usr/x", "2/", "2/main.c"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(file, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]bool{}
	for i := range s.Mounts {
		if s.Mounts[i].Kind == Files {
			images[s.Mounts[i].Image] = true
		}
		s.Mounts[i].Image = ""
	}
	if diff := cmp.Diff(step, *s.Step); diff != "" || len(images) != 2 {
		t.Errorf("%d images, and\n%s", len(images), diff)
	}
}

func TestWriteBundleWrongStream(t *testing.T) {
	for _, names := range [][]string{{"0/", "2/", "3/"}, {"1/"}, {"0/", "x"}} {
		s := step
		s.Mounts = append([]Mount{}, step.Mounts...)
		if err := writeBundle(&bytes.Buffer{}, s, stream(t, names...)); err == nil {
			t.Errorf("%v was taken", names)
		}
	}
}

// TestOpenWrong changes what a file says; nothing of it may get out of the
// folder that it is unpacked in.
func TestOpenWrong(t *testing.T) {
	good := written(t, "0/", "2/", "2/main.c")
	for _, c := range []struct {
		name string
		file func(name string, data []byte) (string, []byte)
		want string
	}{
		{"another blob", func(n string, d []byte) (string, []byte) { return n, append(d, 'x') }, "has the digest"},
		{"no record", func(n string, d []byte) (string, []byte) { return strings.TrimPrefix(n, recordFile), d }, "it has no failed.json"},
		{"a blob elsewhere", func(n string, d []byte) (string, []byte) {
			return strings.Replace(n, "blobs/sha256/", "blobs/sha256/../../", 1), d
		}, "are missing"},
		{"another format", record(`"format": 1`, `"format": 9`), "its format is 9"},
		{"no command", record(`"make"`+"\n  ]", "]"), "reading failed.json"},
		{"a relative mount", record(`"/src",`+"\n      \"kind\"", `"src",`+"\n      \"kind\""), "is not an absolute, clean path"},
		{"an unknown kind", record(`"memory"`, `"ssh"`), `its kind "ssh" is unknown`},
		{"a selector that leads out", record(`"selector": "/src"`, `"selector": "/src/../.."`), "its selector leads out of it"},
		{"no platform", record(`"linux/amd64"`, `"amd64"`), "is not os/arch"},
		{"no digest", record(`"image": "sha256:`, `"image": "md5:`), "not named by a digest"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "f")
		if err := os.WriteFile(file, rewritten(t, good, c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(file, filepath.Join(dir, "a", "b")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 2 {
			t.Errorf("%s left %v (%v)", c.name, entries, err)
		}
	}
	text := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(text, []byte("kiln: v1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(text, t.TempDir()); err == nil || !strings.Contains(err.Error(), "is none that `kiln build --keep-failed` wrote") {
		t.Errorf("got %v", err)
	}
}

// record replaces text in failed.json.
func record(from, to string) func(string, []byte) (string, []byte) {
	return func(name string, data []byte) (string, []byte) {
		if name == recordFile {
			data = bytes.ReplaceAll(data, []byte(from), []byte(to))
		}
		return name, data
	}
}

func rewritten(t *testing.T, bundle []byte, f func(string, []byte) (string, []byte)) []byte {
	t.Helper()
	var b bytes.Buffer
	r, w := tar.NewReader(bytes.NewReader(bundle)), tar.NewWriter(&b)
	for {
		h, err := r.Next()
		if err != nil {
			break
		}
		var data bytes.Buffer
		if _, err := data.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		name, text := f(h.Name, data.Bytes())
		if name == "" {
			continue
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
