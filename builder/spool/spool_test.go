package spool_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/kiln-build/kiln/builder/spool"
)

func newSpool(t testing.TB) *spool.Spool {
	t.Helper()
	dir := t.TempDir()
	s, err := spool.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // a test
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the spool has the name %v, %v", left, err)
	}
	return s
}

func read(t testing.TB, f spool.File) string {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func TestSpool(t *testing.T) {
	s := newSpool(t)
	texts := []string{"one", "", strings.Repeat("two", 100_000), "three"}
	var files []spool.File
	for _, text := range texts {
		f, err := s.Add(strings.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		// What fails in between leaves no trace.
		if _, err := s.Add(io.MultiReader(strings.NewReader("junk"), iotest.ErrReader(errors.New("gone"))), 100); err == nil {
			t.Error("no error from a reader that fails")
		}
	}
	var wg sync.WaitGroup
	for i := len(files) - 1; i >= 0; i-- {
		wg.Go(func() {
			if got := read(t, files[i]); got != texts[i] || files[i].Size() != int64(len(got)) {
				t.Errorf("file %d is %d bytes, want %d", i, len(got), len(texts[i]))
			}
		})
	}
	wg.Wait()
	b := make([]byte, 10)
	if n, err := files[0].ReaderAt().ReadAt(b, 1); n != 2 || !errors.Is(err, io.EOF) {
		t.Errorf("read %q, %v beyond the file's end", b[:n], err)
	}
}

func TestLimit(t *testing.T) {
	s := newSpool(t)
	for _, limit := range []int64{3, 0, -1} {
		if _, err := s.Add(strings.NewReader("four"), limit); !errors.Is(err, spool.ErrLimit) {
			t.Errorf("limit %d: got %v", limit, err)
		}
	}
	if f, err := s.Add(strings.NewReader("four"), 4); err != nil || read(t, f) != "four" {
		t.Errorf("got %v", err)
	}
}

func TestNoFolder(t *testing.T) {
	if _, err := spool.New("/nonexistent/folder"); err == nil || !strings.Contains(err.Error(), "making temporary file: ") {
		t.Errorf("got %v", err)
	}
}

func Example() {
	s, err := spool.New("")
	if err != nil {
		panic(err)
	}
	defer s.Close() //nolint:errcheck // an example
	f, err := s.Add(strings.NewReader("hello, world"), 1<<20)
	if err != nil {
		panic(err)
	}
	b := make([]byte, 5)
	if _, err := f.ReaderAt().ReadAt(b, 7); err != nil {
		panic(err)
	}
	fmt.Println(f.Size(), string(b))
	// Output:
	// 12 world
}
