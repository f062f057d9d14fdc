package memo_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kiln-build/kiln/builder/memo"
)

type result struct {
	Name string
	Size int64
}

func key(t testing.TB, parts ...any) string {
	t.Helper()
	k, err := memo.Key(parts...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestDo(t *testing.T) {
	d := memo.Dir(t.TempDir())
	k := key(t, "test 1", 5)
	made := 0
	do := func(usable func(result) bool) result {
		t.Helper()
		r, err := memo.Do(d, k, usable, func() (result, error) {
			made++
			return result{"x", int64(made)}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := do(nil); got != (result{"x", 1}) {
		t.Errorf("made %+v", got)
	}
	if got := do(func(result) bool { return true }); got != (result{"x", 1}) {
		t.Errorf("remembered %+v", got)
	}
	if got := do(func(r result) bool { return r.Size != 1 }); got != (result{"x", 2}) {
		t.Errorf("made anew %+v", got)
	}
	file := filepath.Join(string(d), k[:2], k+".json")
	for _, broken := range []string{"", `{"Name": "half`, `[]`} {
		if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		before := made
		if got := do(nil); got.Size != int64(before+1) {
			t.Errorf("%q was taken for %+v", broken, got)
		}
	}
}

func TestDoKeepsNoFailure(t *testing.T) {
	d, k := memo.Dir(t.TempDir()), key(t, "x")
	if _, err := memo.Do(d, k, nil, func() (int, error) { return 7, errors.New("no") }); err == nil {
		t.Error("no error")
	}
	if got, err := memo.Do(d, k, nil, func() (int, error) { return 8, nil }); got != 8 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
}

func TestDoAtOnce(t *testing.T) {
	d, k := memo.Dir(t.TempDir()), key(t, "x")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got, err := memo.Do(d, k, nil, func() (string, error) { return "same", nil }); got != "same" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	left, err := filepath.Glob(filepath.Join(string(d), "*", ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
}

func TestKey(t *testing.T) {
	m := map[string]int{}
	for i := range 50 {
		m[fmt.Sprint(i)] = i
	}
	want := key(t, "v1", m, (*int)(nil))
	for range 25 {
		if got := key(t, "v1", m, (*int)(nil)); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	seen := map[string]bool{want: true}
	for _, k := range []string{key(t), key(t, "a", "b"), key(t, "ab"), key(t, []string{"a", "b"}), key(t, "a", 1), key(t, "a", "1"), key(t, "b", "a")} {
		if len(k) != 64 || seen[k] {
			t.Errorf("%s is no key, or not the only one", k)
		}
		seen[k] = true
	}
	if _, err := memo.Key(func() {}); err == nil {
		t.Error("no error for what cannot be written down")
	}
}

func ExampleDo() {
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // an example
	k, err := memo.Key("square 1", 12)
	if err != nil {
		panic(err)
	}
	for range 2 {
		n, err := memo.Do(memo.Dir(dir), k, nil, func() (int, error) {
			fmt.Println("computing")
			return 12 * 12, nil
		})
		fmt.Println(n, err)
	}
	// Output:
	// computing
	// 144 <nil>
	// 144 <nil>
}
