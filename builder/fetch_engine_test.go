package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/failed"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
)

// mirror is a server that can be made to lie.
type mirror struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string
	hits  atomic.Int32
}

func newMirror(t *testing.T, files map[string]string) *mirror {
	t.Helper()
	m := &mirror{files: files}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.hits.Add(1)
		m.mu.Lock()
		defer m.mu.Unlock()
		switch text, ok := m.files[r.URL.Path]; {
		case !ok:
			http.NotFound(w, r)
		case strings.HasPrefix(text, "to "):
			http.Redirect(w, r, strings.TrimPrefix(text, "to "), http.StatusFound)
		default:
			io.WriteString(w, text) //nolint:errcheck // the client sees it
		}
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mirror) set(path, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[path] = text
}

// fetchRecipe has a fetch step with the arguments, and a step that installs
// what it brought.
func fetchRecipe(t *testing.T, args string) *recipes.Recipe {
	t.Helper()
	return recipe(t, localSource, "    - fetch: {command: [/step, "+args+"], into: deps}\n"+
		"    - run: [/step, copy, deps/a, /out/a]", "")
}

func (b *bed) fetcher(t *testing.T) *Fetcher {
	t.Helper()
	return &Fetcher{Engine: b.Engine, Memo: memo.Dir(t.TempDir())}
}

// lockedFetches is a lock with what the recipe fetches.
func (b *bed) lockedFetches(t *testing.T, e *Fetcher, r *recipes.Recipe) (*recipes.Lock, error) {
	t.Helper()
	l := lockOf(r)
	list, err := e.Lock(t.Context(), r, l, "linux/amd64", Inputs{Root: b.root})
	l.Platforms[0].Fetches = list
	return l, err
}

// TestFetch has a real engine fetch from a server on the loopback interface.
func TestFetch(t *testing.T) {
	b := newBed(t)
	t.Run("locked and built", func(t *testing.T) { testFetchAndBuild(t, b) })
	t.Run("other bytes under a locked URL", func(t *testing.T) { testLyingMirror(t, b) })
	t.Run("an unlocked URL", func(t *testing.T) { testUnlockedURL(t, b) })
	t.Run("at the same time", func(t *testing.T) { testFetchTogether(t, b) })
	t.Run("redirects", func(t *testing.T) { testRedirect(t, b) })
	t.Run("another mirror of an ecosystem", func(t *testing.T) { testOtherMirror(t, b) })
	t.Run("what cannot be locked", func(t *testing.T) { testUnlockable(t, b) })
	t.Run("offline", func(t *testing.T) { testOfflineFetch(t, b) })
	t.Run("vendored", func(t *testing.T) { testVendoredFetch(t, b) })
	t.Run("kept", func(t *testing.T) { testKeptFetch(t, b) })
	t.Run("a command that fails", func(t *testing.T) { testFailingFetch(t, b) })
	t.Run("a lock without fetches", func(t *testing.T) {
		r := fetchRecipe(t, "get, http://127.0.0.1:1/a, deps/a")
		_, err := b.fetcher(t).Fetch(t.Context(), r, lockOf(r), "linux/amd64", Inputs{Root: b.root})
		var stale *recipes.StaleError
		if !errors.As(err, &stale) {
			t.Errorf("error is %v, want a *StaleError", err)
		}
	})
}

func testFetchAndBuild(t *testing.T, b *bed) {
	m := newMirror(t, map[string]string{"/a": "content", "/b?x": "more"})
	r := fetchRecipe(t, "get, "+m.URL+"/a, deps/a")
	e := b.fetcher(t)
	l, err := b.lockedFetches(t, e, r)
	check(t, err)
	want := []recipes.LockedFetch{{Step: 0, Kind: "fetch", Files: []recipes.FetchedFile{{
		Ecosystem: "url", Path: m.URL + "/a", SHA256: "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73",
	}}}}
	if diff := cmp.Diff(want, l.Platforms[0].Fetches, withoutDigests()); diff != "" {
		t.Errorf("locked (-want +got):\n%s", diff)
	}
	fresh := b.fetcher(t)
	for i, e := range []*Fetcher{e, fresh, fresh} {
		if i == 1 {
			b.lose(t, l)
		}
		in, err := e.Fetch(t.Context(), r, l, "linux/amd64", Inputs{Root: b.root})
		check(t, err)
		p, err := NewPlan(r, l, "linux/amd64", in)
		check(t, err)
		entries, err := b.Compile(t.Context(), p, b.spool)
		check(t, err)
		if len(entries) != 1 || entries[0].Path != "/a" || entries[0].Size != int64(len("content")) {
			t.Errorf("build %d: entries are %+v", i, entries)
		}
	}
	// Once to lock, and once for the machine without that memory.
	if got := m.hits.Load(); got != 2 {
		t.Errorf("the server was asked %d times, want 2", got)
	}
}

// The same fetch at the same time is carried out for each who asks, for the
// engine tells one of them alone what it let through.
func testFetchTogether(t *testing.T, b *bed) {
	var asked atomic.Int32
	both := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 2 {
			close(both)
		}
		select {
		case <-both:
		case <-time.After(10 * time.Second):
		}
		io.WriteString(w, "content") //nolint:errcheck // the client sees it
	}))
	defer server.Close()
	r := fetchRecipe(t, "get, "+server.URL+"/a, deps/a")
	var g errgroup.Group
	for range 2 {
		e := b.fetcher(t)
		g.Go(func() error {
			list, err := e.Lock(t.Context(), r, lockOf(r), "linux/amd64", Inputs{Root: b.root})
			if err == nil && (len(list) != 1 || len(list[0].Files) != 1) {
				err = fmt.Errorf("locked are %+v, want one file", list)
			}
			return err
		})
	}
	check(t, g.Wait())
}

// withoutDigests compares what is locked of fetches without what they leave.
func withoutDigests() cmp.Option {
	return cmpopts.IgnoreFields(recipes.LockedFetch{}, "Key", "Result")
}

// lose makes the store one of a machine where nothing was fetched.
func (b *bed) lose(t *testing.T, l *recipes.Lock) {
	t.Helper()
	for _, f := range l.Platforms[0].Fetches {
		if err := os.Remove(b.Store.Path(f.Result)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// refused has a build refuse what it fetches, and nothing be kept.
func refused(t *testing.T, b *bed, r *recipes.Recipe, l *recipes.Lock, want, hint string) {
	t.Helper()
	e := b.fetcher(t)
	b.lose(t, l)
	for range 2 { // what was refused once is not taken from a cache
		_, err := e.Fetch(t.Context(), r, l, "linux/amd64", Inputs{Root: b.root})
		var fetch *FetchError
		if !errors.As(err, &fetch) {
			t.Fatalf("error is %v, want a *FetchError", err)
		}
		if want := "dir/recipe.yaml:11:7: " + want; err.Error() != want {
			t.Errorf("error is\n%s, want\n%s", err, want)
		}
		if !strings.Contains(fetch.Hint(), hint) {
			t.Errorf("hint is %q, want %q in it", fetch.Hint(), hint)
		}
	}
}

func testLyingMirror(t *testing.T, b *bed) {
	m := newMirror(t, map[string]string{"/a": "content"})
	r := fetchRecipe(t, "get, "+m.URL+"/a, deps/a")
	l, err := b.lockedFetches(t, b.fetcher(t), r)
	check(t, err)
	m.set("/a", "another content")
	refused(t, b, r, l, fmt.Sprintf(`step "/step get %s/a deps/a": %[1]s/a has sha256 %s, the lock has %s`, m.URL,
		"6292c8b17c54333d0449794f91ca2287c29e0adc1bcf06795c54bc6aa1a003e6",
		"ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"), "kiln lock dir/recipe.yaml")
}

func testUnlockedURL(t *testing.T, b *bed) {
	m := newMirror(t, map[string]string{"/a": "content", "/b": "secret"})
	l, err := b.lockedFetches(t, b.fetcher(t), fetchRecipe(t, "get, "+m.URL+"/a, deps/a"))
	check(t, err)
	before := m.hits.Load()
	r := fetchRecipe(t, "get, "+m.URL+"/b, deps/a")
	refused(t, b, r, l, fmt.Sprintf(`step "/step get %s/b deps/a": %[1]s/b is not in the lock`, m.URL), "kiln lock dir/recipe.yaml")
	if got := m.hits.Load(); got != before {
		t.Errorf("the server was asked %d times", got-before)
	}
}

func testRedirect(t *testing.T, b *bed) {
	m := newMirror(t, map[string]string{"/a": "to /storage?Signature=tomorrow", "/storage": "content"})
	r := fetchRecipe(t, "get, "+m.URL+"/a, deps/a")
	l, err := b.lockedFetches(t, b.fetcher(t), r)
	check(t, err)
	const sum = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
	want := []recipes.FetchedFile{
		{Ecosystem: "url", Path: m.URL + "/a", SHA256: sum},
		{Ecosystem: "url", Path: m.URL + "/storage", SHA256: sum, Signed: true},
	}
	if diff := cmp.Diff(want, l.Platforms[0].Fetches[0].Files); diff != "" {
		t.Errorf("locked (-want +got):\n%s", diff)
	}
	b.lose(t, l)
	m.set("/a", "to /storage?Signature=today")
	_, err = b.fetcher(t).Fetch(t.Context(), r, l, "linux/amd64", Inputs{Root: b.root})
	check(t, err)
	m.set("/a", "to /elsewhere")
	m.set("/elsewhere", "content")
	refused(t, b, r, l, fmt.Sprintf(`step "/step get %s/a deps/a": %[1]s/elsewhere is not in the lock`, m.URL), "kiln lock")
}

func testOtherMirror(t *testing.T, b *bed) {
	first := newMirror(t, map[string]string{"/npm/x/-/x-1.tgz": "content"})
	other := newMirror(t, map[string]string{"/x/-/x-1.tgz": "content"})
	r := fetchRecipe(t, "get, "+baseURL("npm")+"/x/-/x-1.tgz, deps/a")
	with := func(url string) *Fetcher {
		e := b.fetcher(t)
		engine := *b.Engine
		engine.Bases = func() (map[string][]string, error) { return map[string][]string{"npm": {url}}, nil }
		e.Engine = &engine
		return e
	}
	l, err := b.lockedFetches(t, with(first.URL+"/npm/"), r)
	check(t, err)
	want := []recipes.FetchedFile{{Ecosystem: "npm", Path: "x/-/x-1.tgz", SHA256: "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"}}
	if diff := cmp.Diff(want, l.Platforms[0].Fetches[0].Files); diff != "" {
		t.Errorf("locked (-want +got):\n%s", diff)
	}
	b.lose(t, l)
	in, err := with(other.URL).Fetch(t.Context(), r, l, "linux/amd64", Inputs{Root: b.root})
	check(t, err)
	b.lose(t, l)
	again, err := with(first.URL+"/npm").Fetch(t.Context(), r, l, "linux/amd64", Inputs{Root: b.root})
	check(t, err)
	if diff := cmp.Diff(in, again); diff != "" {
		t.Errorf("from another mirror (-first +second):\n%s", diff)
	}
	b.lose(t, l)
	other.set("/x/-/x-1.tgz", "lies")
	_, err = with(other.URL).Fetch(t.Context(), r, l, "linux/amd64", Inputs{Root: b.root})
	var refusal *FetchError
	if !errors.As(err, &refusal) || refusal.URL != other.URL+"/x/-/x-1.tgz" {
		t.Errorf("error is %v, want a *FetchError about the other mirror", err)
	}
}

func testUnlockable(t *testing.T, b *bed) {
	m := newMirror(t, map[string]string{"/a": "content"})
	for args, want := range map[string]string{
		"post, " + m.URL + "/a":                                   "is asked for by another method than GET",
		"get, " + m.URL + "/a, deps/a, " + m.URL + "/a, deps/b":   "is asked for 2 times",
		"get, http://127.0.0.1:1/a, deps/a":                       `step "/step get http://127.0.0.1:1/a deps/a" ended with exit code 1`,
		"get, " + m.URL + "/a, deps/a, " + m.URL + "/no, deps/no": "ended with exit code 1",
	} {
		_, err := b.lockedFetches(t, b.fetcher(t), fetchRecipe(t, args))
		if err == nil || !strings.HasPrefix(err.Error(), "dir/recipe.yaml:11:7: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", args, err, want)
		}
	}
}

// testVendoredFetch: what is kept for others is what the lock has.
func testVendoredFetch(t *testing.T, b *bed) {
	m := newMirror(t, map[string]string{"/a": "content"})
	r := fetchRecipe(t, "get, "+m.URL+"/a, deps/a")
	l, err := b.lockedFetches(t, b.fetcher(t), r)
	check(t, err)
	for result, want := range map[string]string{
		l.Platforms[0].Fetches[0].Result: "", strings.Repeat("0", 64): "the lock has sha256:000", "": "whose digest is not in the lock",
	} {
		l.Platforms[0].Fetches[0].Result = result
		var kept []string
		e := b.fetcher(t)
		e.Kept = func(_ string, l layer.Layer) { kept = append(kept, l.Blob.Hex) }
		_, err := e.Fetch(t.Context(), r, l, "linux/amd64", Inputs{Root: b.root})
		if want == "" && (err != nil || len(kept) != 1 || kept[0] != result) || want != "" && (err == nil || !strings.Contains(err.Error(), want) || len(kept) > 0) {
			t.Errorf("with %q: kept %v, error is %v", result, kept, err)
		}
	}
}

// testOfflineFetch: what a fetch left is taken by the digest that the lock has,
// and nothing else is.
func testOfflineFetch(t *testing.T, b *bed) {
	m := newMirror(t, map[string]string{"/a": "content"})
	r := fetchRecipe(t, "get, "+m.URL+"/a, deps/a")
	l, err := b.lockedFetches(t, b.fetcher(t), r)
	check(t, err)
	locked := l.Platforms[0].Fetches[0]
	for _, c := range []struct {
		name   string
		change func(*recipes.LockedFetch)
		want   string
	}{
		{"as locked", func(*recipes.LockedFetch) {}, ""},
		{"another tree", func(f *recipes.LockedFetch) { f.Result = strings.Repeat("0", 64) }, "what it fetches is not among the inputs: sha256:000"},
		{"another command", func(f *recipes.LockedFetch) { f.Key = strings.Repeat("0", 64) }, "are others than when it was locked"},
		{"an older kiln's lock", func(f *recipes.LockedFetch) { f.Key, f.Result = "", "" }, "the lock has no digest of what it fetches"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := b.fetcher(t)
			e.Offline = true
			l.Platforms[0].Fetches[0] = locked
			c.change(&l.Platforms[0].Fetches[0])
			in, err := e.Fetch(t.Context(), r, l, "linux/amd64", Inputs{Root: b.root})
			if c.want == "" && (err != nil || len(in.Fetched) != 1) {
				t.Errorf("got %v, %v", in.Fetched, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

// testKeptFetch: what a fetch that failed, or was refused and so failed, left
// is there to look at, and to open again.
func testKeptFetch(t *testing.T, b *bed) {
	m := newMirror(t, map[string]string{"/a": "content", "/b": "secret"})
	locked, err := b.lockedFetches(t, b.fetcher(t), fetchRecipe(t, "get, "+m.URL+"/a, deps/a"))
	check(t, err)
	r := fetchRecipe(t, "get, "+m.URL+"/a, deps/a, "+m.URL+"/b, deps/b")
	file := filepath.Join(t.TempDir(), "failed")
	e, engine := b.fetcher(t), *b.Engine
	e.Engine = &engine
	engine.Secrets = map[string][]byte{"GOPROXY": []byte("https://user:s3cret@127.0.0.1:1")}
	engine.OnFailure = func(ctx context.Context, _ *StepError, left *failed.Left) error {
		w, err := os.Create(file)
		check(t, err)
		defer w.Close()
		return left.Save(ctx, w, nil)
	}
	_, err = e.Fetch(t.Context(), r, locked, "linux/amd64", Inputs{Root: b.root})
	var refusal *FetchError
	if !errors.As(err, &refusal) || !strings.HasSuffix(refusal.URL, "/b") {
		t.Errorf("error is %v, want a *FetchError about /b", err)
	}
	raw, err := os.ReadFile(file)
	check(t, err)
	if bytes.Contains(raw, []byte("s3cret")) {
		t.Error("the file holds a secret")
	}
	saved, err := failed.Open(file, t.TempDir())
	check(t, err)
	if want := []string{"/step", "get", m.URL + "/a", "deps/a", m.URL + "/b", "deps/b"}; !slices.Equal(saved.Args, want) || saved.Line != 11 || saved.Exit != 1 || saved.Cwd != "/src" {
		t.Errorf("the step is %+v", saved.Step)
	}
	for path, code := range map[string]int{"deps/a": 0, "deps/b": 1} {
		got, err := saved.Run(t.Context(), b.Client, []string{"/step", "copy", path, "/tmp/x"}, failed.Terminal{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard})
		if err != nil || got != code {
			t.Errorf("reading %s: exit code %d, %v; want %d", path, got, err, code)
		}
	}
}

func testFailingFetch(t *testing.T, b *bed) {
	r := recipe(t, localSource, "    - fetch: {command: [/step, fail, \"3\"], into: deps}", "")
	_, err := b.lockedFetches(t, b.fetcher(t), r)
	var step *StepError
	if !errors.As(err, &step) {
		t.Fatalf("error is %v, want a *StepError", err)
	}
	if log := strings.Join(step.Log, "\n"); step.Exit != 3 || step.Pos != (recipes.Pos{Line: 11, Col: 7}) || !strings.Contains(log, "last line") {
		t.Errorf("step at %v ended with %d after %q", step.Pos, step.Exit, log)
	}
	if want := `dir/recipe.yaml:11:7: step "/step fail 3" ended with exit code 3`; err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
}
