package archive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pooled puts n files on the mirror.
func pooled(a *fakeArchive, n int) []File {
	var files []File
	for i := range n {
		b := []byte(strings.Repeat(fmt.Sprint(i, " "), 1000))
		f := File{Archive: Debian, Path: fmt.Sprintf("pool/f%d.deb", i), Size: int64(len(b)), SHA256: sum(b), For: fmt.Sprintf("f%d 1", i)}
		a.set("/debian/"+f.Path, b)
		files = append(files, f)
	}
	return files
}

func TestFetch(t *testing.T) {
	a := newArchive(t)
	files := pooled(a, 20)
	cfg := a.config(t)
	var bytes atomic.Int64
	cfg.Progress = func(_ string, done, total int64) {
		if done == total {
			bytes.Add(total)
		}
	}
	c := newClient(t, cfg)
	for range 2 {
		if err := c.Fetch(t.Context(), files); err != nil {
			t.Fatal(err)
		}
	}
	var want int64
	for _, f := range files {
		want += f.Size
		if !c.cache.Has(f.SHA256, f.Size) {
			t.Errorf("%s is not in the cache", f.Path)
		}
	}
	if got := bytes.Load(); got != want {
		t.Errorf("progress said %d bytes, want %d", got, want)
	}
	if got := a.count("/pool/"); got != len(files) {
		t.Errorf("got %d requests, want %d", got, len(files))
	}
}

func TestFetchOnceAtATime(t *testing.T) {
	a := newArchive(t)
	files := pooled(a, 3)
	c := a.client(t)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := c.Fetch(t.Context(), files); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := a.count("/pool/"); got != len(files) {
		t.Errorf("got %d requests, want %d", got, len(files))
	}
}

func TestFetchTwoProcesses(t *testing.T) {
	a := newArchive(t)
	files := pooled(a, 10)
	cfg := a.config(t)
	var wg sync.WaitGroup
	for range 4 {
		c := newClient(t, cfg) // shares nothing with the others but the folder
		wg.Go(func() {
			if err := c.Fetch(t.Context(), files); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	left, err := os.ReadDir(filepath.Join(cfg.IndexDir, "ingest"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
}

func TestFetchRetries(t *testing.T) {
	tests := []struct {
		name  string
		fault func(w http.ResponseWriter)
	}{
		{"429", func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) }},
		{"503", func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }},
		{"connection broken", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }},
		{"broken in the middle", func(w http.ResponseWriter) {
			fmt.Fprint(w, "0 0 0")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newArchive(t)
			files := pooled(a, 1)
			var n atomic.Int32
			a.answer = func(w http.ResponseWriter, _ *http.Request) bool {
				if n.Add(1) < attempts {
					tt.fault(w)
					return true
				}
				return false
			}
			if err := a.client(t).Fetch(t.Context(), files); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestFetchGivesUp(t *testing.T) {
	a := newArchive(t)
	files := pooled(a, 1)
	a.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	err := a.client(t).Fetch(t.Context(), files)
	var missing *MissingError
	if err == nil || errors.As(err, &missing) || !strings.Contains(err.Error(), "downloading f0 1") {
		t.Errorf("got %v, want an error that is not a MissingError", err)
	}
	if got := a.count("/pool/"); got != attempts {
		t.Errorf("got %d requests, want %d", got, attempts)
	}
}

func TestFetchMissing(t *testing.T) {
	a, b := newArchive(t), newArchive(t)
	cfg := a.config(t)
	cfg.Mirrors[Debian] = append(cfg.Mirrors[Debian], b.URL+"/debian")
	f := File{Archive: Debian, Path: "pool/gone_1_amd64.deb", Size: 3, SHA256: hashOf("x"), For: "gone 1"}
	err := newClient(t, cfg).Fetch(t.Context(), []File{f})
	var missing *MissingError
	if !errors.As(err, &missing) {
		t.Fatalf("got %v, want a MissingError", err)
	}
	want := MissingError{Package: "gone 1", Path: f.Path, Tried: []string{a.URL + "/debian", b.URL + "/debian"}, Err: missing.Err}
	if d := cmp.Diff(want, *missing, cmp.Comparer(func(x, y error) bool { return errors.Is(x, y) })); d != "" {
		t.Errorf("error (-want +got):\n%s", d)
	}
	if !strings.Contains(missing.Hint(), "kiln lock") || !strings.Contains(missing.Hint(), "snapshot") {
		t.Errorf("hint %q does not say the way out", missing.Hint())
	}
}

func TestFetchMirrors(t *testing.T) {
	good := newArchive(t)
	files := pooled(good, 2)
	for name, spoil := range map[string]func(a *fakeArchive){
		"absent":    func(a *fakeArchive) { a.files = map[string][]byte{} },
		"tampered":  func(a *fakeArchive) { a.files["/debian/pool/f0.deb"] = make([]byte, files[0].Size) },
		"too long":  func(a *fakeArchive) { a.files["/debian/pool/f0.deb"] = make([]byte, files[0].Size+1) },
		"too short": func(a *fakeArchive) { a.files["/debian/pool/f0.deb"] = make([]byte, files[0].Size-1) },
		"down":      func(a *fakeArchive) { a.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			bad := newArchive(t)
			pooled(bad, 2)
			spoil(bad)
			cfg := good.config(t)
			cfg.Mirrors[Debian] = []string{bad.URL + "/debian", good.URL + "/debian"}
			if err := newClient(t, cfg).Fetch(t.Context(), files); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFetchTampered(t *testing.T) {
	a := newArchive(t)
	files := pooled(a, 1)
	a.files["/debian/"+files[0].Path] = make([]byte, files[0].Size)
	c := a.client(t)
	err := c.Fetch(t.Context(), files)
	if err == nil || !strings.Contains(err.Error(), "sha256 is") || c.cache.Has(files[0].SHA256, -1) {
		t.Errorf("got %v, want a mismatch and nothing kept", err)
	}
}

// A mirror that never ends is read to the file's size and no further.
func TestFetchEndless(t *testing.T) {
	a := newArchive(t)
	files := pooled(a, 1)
	var sent atomic.Int64
	a.answer = func(w http.ResponseWriter, r *http.Request) bool {
		w.(http.Flusher).Flush()
		for r.Context().Err() == nil && sent.Load() < 1<<30 {
			n, err := w.Write(make([]byte, 1<<16))
			sent.Add(int64(n))
			if err != nil {
				break
			}
		}
		return true
	}
	if err := a.client(t).Fetch(t.Context(), files); err == nil {
		t.Error("got no error")
	}
	if sent.Load() >= 1<<30 {
		t.Error("read a gigabyte")
	}
}

func TestFetchCanceled(t *testing.T) {
	a := newArchive(t)
	files := pooled(a, 5)
	ctx, cancel := context.WithCancel(t.Context())
	a.answer = func(_ http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return true
	}
	if err := a.client(t).Fetch(ctx, files); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestFetchRefusesPath(t *testing.T) {
	a := newArchive(t)
	for _, p := range []string{"../x", "/etc/passwd", "pool/../../x", "a b", "a?b", ""} {
		if err := a.client(t).Fetch(t.Context(), []File{{Archive: Debian, Path: p, Size: 1, SHA256: hashOf(p)}}); err == nil {
			t.Errorf("path %q was not refused", p)
		}
	}
}
