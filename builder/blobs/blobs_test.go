package blobs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// left are the names of unfinished blobs.
func left(t *testing.T, s *Store) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.Root(), "ingest", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestPut(t *testing.T) {
	s := open(t)
	hexsum, size, err := s.Put(strings.NewReader("content"), "")
	if err != nil || hexsum != sum("content") || size != 7 {
		t.Fatalf("Put: got %s, %d, %v, want %s, 7", hexsum, size, err, sum("content"))
	}
	if b, err := os.ReadFile(s.Path(hexsum)); err != nil || string(b) != "content" {
		t.Errorf("blob: got %q, %v", b, err)
	}
	for _, test := range []struct {
		hexsum string
		size   int64
		want   bool
	}{{hexsum, 7, true}, {hexsum, -1, true}, {hexsum, 8, false}, {sum("other"), -1, false}, {"../" + hexsum, -1, false}, {"", -1, false}} {
		if got := s.Has(test.hexsum, test.size); got != test.want {
			t.Errorf("Has(%q, %d): got %v, want %v", test.hexsum, test.size, got, test.want)
		}
	}
}

func TestPutMismatch(t *testing.T) {
	s := open(t)
	_, _, err := s.Put(strings.NewReader("other"), sum("content"))
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || mismatch.Got != sum("other") || mismatch.Size != 5 {
		t.Errorf("Put: got %v, want a MismatchError", err)
	}
	if s.Has(sum("other"), -1) || s.Has(sum("content"), -1) || len(left(t, s)) > 0 {
		t.Errorf("something was kept: %v", left(t, s))
	}
}

func TestWriterClosed(t *testing.T) {
	s := open(t)
	w, err := s.Writer()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil || len(left(t, s)) > 0 {
		t.Errorf("Close: %v, left %v", err, left(t, s))
	}
}

// TestConcurrent has many put the same and other blobs at once, as several
// kiln processes do.
func TestConcurrent(t *testing.T) {
	s := open(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			text := fmt.Sprint("blob ", i%4)
			if _, _, err := s.Put(strings.NewReader(text), sum(text)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 4 {
		text := fmt.Sprint("blob ", i)
		if b, err := os.ReadFile(s.Path(sum(text))); err != nil || string(b) != text {
			t.Errorf("blob %d: got %q, %v", i, b, err)
		}
	}
}

func TestPathPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Path of something that is no digest did not panic")
		}
	}()
	open(t).Path("../../etc/passwd")
}

func ExampleStore_Put() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // an example
	s, err := Open(dir)
	if err != nil {
		panic(err)
	}
	_, _, err = s.Put(strings.NewReader("tampered"), sum("original"))
	fmt.Println(err != nil, s.Has(sum("original"), -1))
	// Output: true false
}
