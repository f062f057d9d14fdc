package osv

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
)

func TestArtifact(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "db")
	archive(t, from, "Go", netRecord)
	archive(t, from, "Debian", trixie)
	img, pushed, err := Artifact(from)
	if err != nil {
		t.Fatal(err)
	}
	if len(pushed) != 2 || pushed[0].Ecosystem != "Debian" {
		t.Errorf("got %+v", pushed)
	}
	again, _, err := Artifact(from)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := digest(t, img), digest(t, again); a != b {
		t.Errorf("the same archives make %s and %s", a, b)
	}
	if _, err := Unpack(img, to, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contents(t, from), contents(t, to)); diff != "" {
		t.Error(diff)
	}
	done, err := Unpack(img, to, []string{"Go"})
	if err != nil || len(done) != 1 || !done[0].Unchanged {
		t.Errorf("again: got %+v, %v, want it unchanged", done, err)
	}
	if _, err := Unpack(img, to, []string{"npm"}); err == nil || !strings.Contains(err.Error(), "has none for npm") {
		t.Errorf("got %v, want that npm is missing", err)
	}
}

func digest(t *testing.T, img v1.Image) v1.Hash {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestUnpackRefuses: another image, and one whose blobs are others than its
// manifest says.
func TestUnpackRefuses(t *testing.T) {
	to := t.TempDir()
	other, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Unpack(other, to, nil); err == nil || !strings.Contains(err.Error(), "something else than") {
		t.Errorf("got %v, want another image refused", err)
	}
	from := t.TempDir()
	archive(t, from, "Go", netRecord)
	img, _, err := Artifact(from)
	if err != nil {
		t.Fatal(err)
	}
	archive(t, from, "Go", netRecord, withdrawn)
	if _, err := Unpack(img, to, nil); err == nil || !strings.Contains(err.Error(), "the manifest says sha256:") {
		t.Errorf("got %v, want the blob refused", err)
	}
	if got := contents(t, to); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}
