package osv

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-retryablehttp"
)

// bucket serves a folder as OSV's bucket is served, and notes with what it
// answers.
type bucket struct {
	*httptest.Server
	answers []int
}

func serve(t *testing.T, dir string) *bucket {
	t.Helper()
	b := &bucket{}
	files := http.FileServer(http.Dir(dir))
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		files.ServeHTTP(rec, r)
		b.answers = append(b.answers, rec.Code)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		rec.Body.WriteTo(w) //nolint:errcheck // the client notices
	}))
	t.Cleanup(b.Close)
	return b
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // a folder of the test
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestPull(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "db")
	archive(t, from, "Go", netRecord, withdrawn)
	archive(t, from, "Debian", trixie)
	b := serve(t, from)
	ctx := context.Background()
	done, err := Pull(ctx, b.Client(), to, Mirrored{Base: b.URL + "/", Ecosystems: []string{"Go", "Debian"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(done) != 2 || done[0].Records != 2 || done[0].Unchanged || done[0].Modified != "2026-11-01T00:00:00Z" {
		t.Errorf("got %+v", done)
	}
	for _, e := range []string{"Go", "Debian"} {
		if got := contents(t, to)[e+"/all.zip"]; got != contents(t, from)[e+"/all.zip"] {
			t.Errorf("%s/all.zip is another file than the server's", e)
		}
	}
	before := contents(t, to)
	done, err = Pull(ctx, b.Client(), to, Mirrored{Base: b.URL, Ecosystems: []string{"Go", "Debian"}})
	if err != nil || !done[0].Unchanged || !done[1].Unchanged || done[0].Records != 2 {
		t.Errorf("again: got %+v, %v, want all unchanged", done, err)
	}
	if diff := cmp.Diff([]int{200, 200, 304, 304}, b.answers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, contents(t, to)); diff != "" {
		t.Error(diff)
	}
	// What somebody has changed since is fetched again.
	if err := os.WriteFile(filepath.Join(to, "Go", archiveName), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if done, err = Pull(ctx, b.Client(), to, Mirrored{Base: b.URL, Ecosystems: []string{"Go"}}); err != nil || done[0].Unchanged {
		t.Errorf("got %+v, %v, want it fetched", done, err)
	}
	if diff := cmp.Diff(before["Go/all.zip"], contents(t, to)["Go/all.zip"]); diff != "" {
		t.Error("the archive was not fetched again")
	}
}

// TestPullRefuses: whatever is wrong, the folder stays as it was.
func TestPullRefuses(t *testing.T) {
	to := t.TempDir()
	archive(t, to, "Go", netRecord)
	before := contents(t, to)
	for name, tt := range map[string]struct {
		make func(dir string)
		want string
	}{
		"no zip": {func(dir string) {
			archive(t, dir, "npm", netRecord)
			os.WriteFile(filepath.Join(dir, "npm", archiveName), []byte("<html>"), 0o600) //nolint:errcheck // the test fails then
		}, "not a valid zip file"},
		"cut short": {func(dir string) {
			archive(t, dir, "npm", netRecord)
			file := filepath.Join(dir, "npm", archiveName)
			text, _ := os.ReadFile(file)
			os.WriteFile(file, text[:len(text)-30], 0o600) //nolint:errcheck // the test fails then
		}, "not a valid zip file"},
		"no record":         {func(dir string) { archive(t, dir, "npm", `[]`) }, "cannot unmarshal"},
		"without id":        {func(dir string) { archive(t, dir, "npm", `{}`) }, "it has no id"},
		"another ecosystem": {func(dir string) { archive(t, dir, "npm", netRecord) }, "no advisory in it is about the ecosystem"},
		"nothing there":     {func(string) {}, "there is no"},
	} {
		t.Run(name, func(t *testing.T) {
			from := t.TempDir()
			archive(t, from, "Go", netRecord, withdrawn) // newer, and good
			tt.make(from)
			b := serve(t, from)
			_, err := Pull(context.Background(), b.Client(), to, Mirrored{Base: b.URL, Ecosystems: []string{"Go", "npm"}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if diff := cmp.Diff(before, contents(t, to)); diff != "" {
				t.Errorf("the folder is changed:\n%s", diff)
			}
		})
	}
	var absent *AbsentError
	b := serve(t, t.TempDir())
	if _, err := Pull(context.Background(), b.Client(), to, Mirrored{Base: b.URL, Ecosystems: []string{"Go"}}); !errors.As(err, &absent) {
		t.Errorf("got %v, want *AbsentError", err)
	}
	for from, want := range map[string]string{
		"http://osv.example/":             "without TLS",
		"https://user:s3cret@osv.example": "credentials",
		"https://osv.example/%zz":         "cannot be read",
	} {
		if _, err := Pull(context.Background(), http.DefaultClient, to, Mirrored{Base: from, Ecosystems: []string{"Go"}}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %q", from, err, want)
		}
	}
	if _, err := Pull(context.Background(), http.DefaultClient, to, Mirrored{Base: "https://osv.example", Ecosystems: []string{"../Go"}}); err == nil || !strings.Contains(err.Error(), "cannot be an ecosystem's name") {
		t.Errorf("got %v, want the name refused", err)
	}
}

// servers answers for all hosts: with the URL that one leads to, or else with
// an archive.
type servers struct {
	leads map[string]string
	text  string
}

func (s servers) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if to := s.leads[r.URL.Host]; to != "" {
		http.Redirect(w, r, to, http.StatusFound)
	} else {
		w.WriteString(s.text) //nolint:errcheck // into memory
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// TestPullRedirected: TLS all the way.
func TestPullRedirected(t *testing.T) {
	from := t.TempDir()
	archive(t, from, "Go", netRecord)
	direct := &http.Client{Transport: servers{text: contents(t, from)["Go/all.zip"], leads: map[string]string{
		"moved.example": "https://new.example/Go/all.zip", "plain.example": "http://new.example/Go/all.zip",
		"between.example": "http://there.example/", "there.example": "https://new.example/Go/all.zip", "new.example": "",
	}}}
	retrying := retryablehttp.NewClient()
	retrying.HTTPClient, retrying.Logger = direct, nil
	for host, ok := range map[string]bool{"new.example": true, "moved.example": true, "plain.example": false, "between.example": false} {
		for _, client := range []*http.Client{direct, retrying.StandardClient()} {
			to := t.TempDir()
			_, err := Pull(t.Context(), client, to, Mirrored{Base: "https://" + host, Ecosystems: []string{"Go"}})
			if ok && err != nil || !ok && (err == nil || !strings.Contains(err.Error(), "without TLS")) || ok == (len(contents(t, to)) == 0) {
				t.Errorf("%s: got %v and %d files, want it taken: %v", host, err, len(contents(t, to)), ok)
			}
		}
	}
}

func TestGoIndex(t *testing.T) {
	dir := t.TempDir()
	archive(t, dir, "Go", netRecord, withdrawn, `{"id": "GHSA-aaaa-bbbb-cccc", "affected": [{"package": {"ecosystem": "Go", "name": "example.com/Net"}}]}`)
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := db.GoIndex()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{
		"ID/GO-2026-0001.json": []byte(netRecord),
		"index/db.json":        []byte(`{"modified":"2026-11-01T00:00:00Z"}`),
		"index/modules.json":   []byte(`[{"path":"example.com/Net","vulns":[{"id":"GO-2026-0001","modified":"2026-11-01T00:00:00Z"}]}]`),
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
	for range 25 {
		again, err := db.GoIndex()
		if err != nil || !bytes.Equal(files["index/modules.json"], again["index/modules.json"]) {
			t.Fatalf("another index: %v", err)
		}
	}
}
