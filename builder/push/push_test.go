package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/recipes"
)

// server is an in-memory registry that counts, and misbehaves on demand.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	// fault answers in the registry's place where it returns true.
	fault func(w http.ResponseWriter, req *http.Request) bool
}

func newServer(t testing.TB, referrers bool) *server {
	t.Helper()
	quiet := log.New(io.Discard, "", 0)
	inner := registry.New(registry.Logger(quiet), registry.WithReferrersSupport(referrers))
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, req.Method+" "+req.URL.Path)
		fault := s.fault
		s.mu.Unlock()
		if fault == nil || !fault(w, req) {
			inner.ServeHTTP(w, req)
		}
	}))
	s.Config.ErrorLog = quiet
	t.Cleanup(s.Close)
	return s
}

func (s *server) repo(t testing.TB, path string) name.Repository {
	t.Helper()
	repo, err := name.NewRepository(strings.TrimPrefix(s.URL, "http://") + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// take returns the requests since the last call.
func (s *server) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.requests
	s.requests = nil
	return list
}

func (s *server) breakWith(fault func(w http.ResponseWriter, req *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// times lets a fault happen n times.
func times(n int, fault func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	var mu sync.Mutex
	return func(w http.ResponseWriter, req *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if n == 0 {
			return false
		}
		n-- // before, because a fault may panic
		if fault(w, req) {
			return true
		}
		n++
		return false
	}
}

func fast(t testing.TB, config Config) *Registry {
	t.Helper()
	if config.Keychain == nil {
		config.Keychain = authn.NewMultiKeychain()
	}
	r, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	r.transport.base, r.transport.limit = time.Millisecond, 20*time.Millisecond
	puller, err := newPuller(r)
	if err != nil {
		t.Fatal(err)
	}
	r.puller = puller
	return r
}

func image(t testing.TB) v1.Image {
	t.Helper()
	img, err := random.Image(2000, 3, random.WithSource(&counter{}))
	if err != nil {
		t.Fatal(err)
	}
	img = mutate.ConfigMediaType(mutate.MediaType(img, types.OCIManifestSchema1), types.OCIConfigJSON)
	annotated, _ := mutate.Annotations(img, map[string]string{"dev.kiln.key": "abc"}).(v1.Image)
	return annotated
}

// counter is a source that makes the same random image each time.
type counter struct{ n uint64 }

func (c *counter) Int63() int64   { return int64(c.Uint64() >> 1) }
func (c *counter) Seed(int64)     {}
func (c *counter) Uint64() uint64 { c.n += 0x9e3779b97f4a7c15; return c.n ^ c.n>>31 }

// attachTwo attaches two referrers and one tag, where they are missing.
func attachTwo(_ context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
	if len(existing.Bundles) == 2 && existing.Signatures != nil {
		return nil, nil
	}
	var list []recipes.Attachment
	for _, predicate := range []string{"one", "two"} {
		list = append(list, recipes.Attachment{Image: bundleImage(subject, predicate)})
	}
	tag := strings.Replace(subject.Digest.String(), ":", "-", 1) + ".sig"
	sig, err := mutate.Append(empty.Image, mutate.Addendum{
		Layer:       static.NewLayer([]byte("{}"), "application/vnd.dev.cosign.simplesigning.v1+json"),
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": "c2ln"},
	})
	return append(list, recipes.Attachment{Image: sig, Tag: tag}), err
}

func bundleImage(subject v1.Descriptor, predicate string) v1.Image {
	layer := static.NewLayer([]byte(`{"predicate":"`+predicate+`"}`), bundleTypePrefix+".v0.3+json")
	img, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), bundleTypePrefix+".v0.3+json"), layer)
	if err != nil {
		panic(err)
	}
	img, _ = mutate.Annotations(img, map[string]string{"dev.sigstore.bundle.predicateType": predicate}).(v1.Image)
	img, _ = mutate.Subject(img, subject).(v1.Image)
	return img
}

func TestPush(t *testing.T) {
	for _, referrers := range []bool{true, false} {
		t.Run(fmt.Sprintf("referrers API %t", referrers), func(t *testing.T) {
			s, img := newServer(t, referrers), image(t)
			r, repo := fast(t, Config{}), s.repo(t, "platform/nats")
			ref, err := r.Push(t.Context(), repo, img, attachTwo, []string{"1.0", "latest"})
			if err != nil {
				t.Fatal(err)
			}
			if want, _ := img.Digest(); ref.DigestStr() != want.String() {
				t.Errorf("got %s, want %s", ref.DigestStr(), want)
			}
			checkTagsLast(t, s.take(), "1.0", "latest")
			checkAttached(t, r, ref)
			s.take()

			// Again, and by another process: nothing is uploaded.
			if _, err := fast(t, Config{}).Push(t.Context(), repo, img, attachTwo, []string{"1.0"}); err != nil {
				t.Fatal(err)
			}
			writes := slices.DeleteFunc(s.take(), func(r string) bool { return !strings.HasPrefix(r, "P") })
			if want := []string{"PUT /v2/platform/nats/manifests/1.0"}; !cmp.Equal(want, writes) {
				t.Errorf("second push: %s", cmp.Diff(want, writes))
			}
			checkAttached(t, r, ref)
		})
	}
}

func checkAttached(t *testing.T, r *Registry, ref name.Digest) {
	t.Helper()
	found, err := r.Statements(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	var claims []string
	for _, b := range found.Bundles {
		claims = append(claims, b.Claims)
		if want := `{"predicate":"` + b.Claims + `"}`; string(b.Data) != want {
			t.Errorf("bundle: got %s, want %s", b.Data, want)
		}
	}
	slices.Sort(claims)
	if want := []string{"one", "two"}; !cmp.Equal(want, claims) {
		t.Errorf("bundles: %s", cmp.Diff(want, claims))
	}
	if found.Signatures == nil || found.Attestations != nil {
		t.Errorf("tag layout: got signatures %v, attestations %v, want only signatures", found.Signatures, found.Attestations)
	}
}

// checkTagsLast makes sure that after the first tag nothing but tags is written.
func checkTagsLast(t *testing.T, requests []string, tags ...string) {
	t.Helper()
	var want []string
	for _, tag := range tags {
		want = append(want, "PUT /v2/platform/nats/manifests/"+tag)
	}
	first := slices.Index(requests, want[0])
	if first < 0 || !cmp.Equal(want, requests[first:]) {
		t.Errorf("requests from the first tag on: got %q, want %q", requests[max(first, 0):], want)
	}
}

func TestFaultsThatPass(t *testing.T) {
	tests := map[string]func(w http.ResponseWriter, req *http.Request) bool{
		"429 with Retry-After": times(3, func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}),
		"500 twice": times(2, func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method == http.MethodPut {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return req.Method == http.MethodPut
		}),
		"connection cut in the middle of a blob": times(2, func(_ http.ResponseWriter, req *http.Request) bool {
			if req.Method == http.MethodPatch {
				io.CopyN(io.Discard, req.Body, 100) //nolint:errcheck // cut anyway
				panic(http.ErrAbortHandler)
			}
			return false
		}),
		"blob downloads cut": times(2, func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/blobs/") {
				return false
			}
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte("half")) //nolint:errcheck // cut anyway
			panic(http.ErrAbortHandler)
		}),
		"upload session lost": times(1, func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method != http.MethodPatch {
				return false
			}
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}`) //nolint:errcheck // a test
			return true
		}),
	}
	for label, fault := range tests {
		t.Run(label, func(t *testing.T) {
			s := newServer(t, false)
			s.breakWith(fault)
			r := fast(t, Config{})
			ref, err := r.Push(t.Context(), s.repo(t, "platform/nats"), image(t), attachTwo, []string{"1.0"})
			if err != nil {
				t.Fatal(err)
			}
			checkAttached(t, r, ref)
		})
	}
}

// Whatever fails for good, no tag is left.
func TestFaultsThatStay(t *testing.T) {
	fail := func(code int, match func(*http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, req *http.Request) bool {
			if match(req) {
				w.WriteHeader(code)
			}
			return match(req)
		}
	}
	put := func(part string) func(*http.Request) bool {
		return func(req *http.Request) bool {
			return req.Method == http.MethodPut && strings.Contains(req.URL.Path, part)
		}
	}
	tests := map[string]struct {
		fault  func(http.ResponseWriter, *http.Request) bool
		attach Attach
		hint   string
	}{
		"manifests refused":  {fail(500, put("/manifests/")), attachTwo, ""},
		"not allowed":        {fail(403, put("/manifests/")), attachTwo, "docker login"},
		"not logged in":      {fail(401, func(*http.Request) bool { return true }), attachTwo, "docker login"},
		"cosign tag refused": {fail(500, put(".sig")), attachTwo, ""},
		"blobs refused":      {fail(503, put("/blobs/")), attachTwo, ""},
		"signing fails": {nil, func(context.Context, v1.Descriptor, recipes.Attached) ([]recipes.Attachment, error) {
			return nil, errors.New("no key")
		}, ""},
		"referrers not there": {fail(404, func(req *http.Request) bool {
			return strings.Contains(req.URL.Path, "/manifests/sha256-") && !strings.Contains(req.URL.Path, ".sig") && req.Method == http.MethodGet
		}), attachTwo, ""},
	}
	for label, tt := range tests {
		t.Run(label, func(t *testing.T) {
			s := newServer(t, false)
			s.breakWith(tt.fault)
			_, err := fast(t, Config{}).Push(t.Context(), s.repo(t, "platform/nats"), image(t), tt.attach, []string{"1.0"})
			if err == nil {
				t.Fatal("got no error")
			}
			var typed *Error
			if !errors.As(err, &typed) || !strings.Contains(err.Error(), "platform/nats@sha256:") {
				t.Errorf("got %v, want an *Error that names the reference", err)
			} else if !strings.Contains(typed.Hint(), tt.hint) {
				t.Errorf("hint: got %q, want %q in it", typed.Hint(), tt.hint)
			}
			s.breakWith(nil)
			if _, found, err := fast(t, Config{}).Lookup(t.Context(), s.repo(t, "platform/nats").Tag("1.0")); err != nil || found {
				t.Errorf("tag after the failure: found %t, error %v; want none", found, err)
			}
		})
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	s := newServer(t, true)
	s.breakWith(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	_, err := fast(t, Config{}).Push(t.Context(), s.repo(t, "x"), image(t), nil, nil)
	if err == nil {
		t.Fatal("got no error")
	}
	if got := len(s.take()); got > attempts {
		t.Errorf("got %d requests, want at most %d", got, attempts)
	}
}

func TestMountsFromOtherRepository(t *testing.T) {
	s, img, r := newServer(t, true), image(t), fast(t, Config{})
	if _, err := r.Push(t.Context(), s.repo(t, "one"), img, nil, nil); err != nil {
		t.Fatal(err)
	}
	s.take()
	var mounts int
	// The in-memory registry shares blobs between repositories, so that it
	// has to be told to forget them.
	forget := func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodHead && strings.Contains(req.URL.Path, "/two/blobs/") {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		if req.URL.Query().Get("mount") != "" && req.URL.Query().Get("from") == "one" {
			s.mu.Lock()
			mounts++
			s.mu.Unlock()
			w.WriteHeader(http.StatusCreated)
			return true
		}
		return false
	}
	s.breakWith(forget)
	if _, err := r.Push(t.Context(), s.repo(t, "two"), img, nil, nil); err != nil {
		t.Fatal(err)
	}
	if mounts != 3 {
		t.Errorf("got %d layers mounted, want 3", mounts)
	}
}

func TestLookupIsOneRequest(t *testing.T) {
	s, img := newServer(t, true), image(t)
	repo := s.repo(t, "platform/nats")
	if _, err := fast(t, Config{}).Push(t.Context(), repo, img, nil, []string{"1.0"}); err != nil {
		t.Fatal(err)
	}
	want, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	s.take()
	got, found, err := fast(t, Config{}).Lookup(t.Context(), repo.Tag("1.0"))
	if err != nil || !found || got.Descriptor.Digest != want || got.Annotations["dev.kiln.key"] != "abc" {
		t.Errorf("got %v, %t, %v, want %s", got, found, err, want)
	}
	if requests := s.take(); len(requests) != 1 {
		t.Errorf("got %d requests, want 1: %q", len(requests), requests)
	}
	if _, found, err := fast(t, Config{}).Lookup(t.Context(), repo.Tag("2.0")); err != nil || found {
		t.Errorf("missing tag: got %t, %v, want neither", found, err)
	}
	if requests := s.take(); len(requests) != 1 {
		t.Errorf("missing tag: got %d requests, want 1: %q", len(requests), requests)
	}
}

// A registry with tokens: the first lookup finds that out, the next ones use
// the token.
func TestLookupWithToken(t *testing.T) {
	s, img := newServer(t, true), image(t)
	repo := s.repo(t, "platform/nats")
	if _, err := fast(t, Config{}).Push(t.Context(), repo, img, nil, []string{"1.0"}); err != nil {
		t.Fatal(err)
	}
	s.breakWith(func(w http.ResponseWriter, req *http.Request) bool {
		switch {
		case req.URL.Path == "/token":
			json.NewEncoder(w).Encode(map[string]string{"token": "let-me-in"}) //nolint:errcheck // a test
			return true
		case req.Header.Get("Authorization") == "Bearer let-me-in":
			return false
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+s.URL+`/token",service="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	r := fast(t, Config{})
	s.take()
	for i, want := range []int{4, 1} { // plain, ping, token, manifest; manifest
		if _, found, err := r.Lookup(t.Context(), repo.Tag("1.0")); err != nil || !found {
			t.Fatalf("got %t, %v", found, err)
		}
		if requests := s.take(); len(requests) != want {
			t.Errorf("lookup %d: got %d requests, want %d: %q", i, len(requests), want, requests)
		}
	}
}

func TestLookupSendsPassword(t *testing.T) {
	s, img := newServer(t, true), image(t)
	repo := s.repo(t, "platform/nats")
	if _, err := fast(t, Config{}).Push(t.Context(), repo, img, nil, []string{"1.0"}); err != nil {
		t.Fatal(err)
	}
	s.breakWith(func(w http.ResponseWriter, req *http.Request) bool {
		user, password, _ := req.BasicAuth()
		if user == "me" && password == "secret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	s.take()
	_, found, err := fast(t, Config{Keychain: keychain{"me", "secret"}}).Lookup(t.Context(), repo.Tag("1.0"))
	if requests := s.take(); err != nil || !found || len(requests) != 1 {
		t.Errorf("got %t, %v in %d requests, want found in 1", found, err, len(requests))
	}
	_, _, err = fast(t, Config{Keychain: keychain{"me", "wrong-secret"}}).Lookup(t.Context(), repo.Tag("1.0"))
	var typed *Error
	if !errors.As(err, &typed) || !strings.Contains(typed.Hint(), "docker login "+repo.RegistryStr()) {
		t.Errorf("got %v, want an *Error with a hint", err)
	}
	if strings.Contains(fmt.Sprint(err), "secret") {
		t.Errorf("the error tells the password: %v", err)
	}
}

type keychain struct{ user, password string }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: k.user, Password: k.password}, nil
}

func TestRetryAfter(t *testing.T) {
	date := "Mon, 02 Jan 2006 15:04:05 GMT"
	tests := []struct {
		after string
		want  time.Duration
	}{
		{"", 0}, {"7", 7 * time.Second}, {"-1", 0}, {"soon", 0}, {"999999", time.Hour},
		{"Mon, 02 Jan 2006 15:04:15 GMT", 10 * time.Second},
		{"Mon, 02 Jan 2006 15:04:00 GMT", 0},
	}
	for _, tt := range tests {
		resp := &http.Response{Header: http.Header{"Retry-After": {tt.after}, "Date": {date}}}
		if got := asked(resp); got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.after, got, tt.want)
		}
	}
}

func TestRefusesPlainHTTP(t *testing.T) {
	var asked bytes.Buffer
	config := Config{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		fmt.Fprintln(&asked, req.URL)
		return nil, errors.New("no TLS here")
	})}
	repo, err := name.NewRepository("10.0.0.1:5000/x") // which go-containerregistry speaks HTTP with
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = fast(t, config).Lookup(t.Context(), repo.Tag("1"))
	var typed *Error
	if !errors.As(err, &typed) || !strings.Contains(typed.Hint(), "--registry-plain-http") {
		t.Errorf("got %v, want a hint", err)
	}
	if strings.Contains(asked.String(), "http://") {
		t.Errorf("spoke plain HTTP: %s", &asked)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestHints(t *testing.T) {
	closed := newServer(t, true)
	closed.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(secure.Close)
	for address, want := range map[string]string{
		strings.TrimPrefix(closed.URL, "http://"):  "check the host and port",
		strings.TrimPrefix(secure.URL, "https://"): "--registry-ca",
	} {
		repo, err := name.NewRepository(address + "/x")
		if err != nil {
			t.Fatal(err)
		}
		_, err = fast(t, Config{}).Push(t.Context(), repo, image(t), nil, nil)
		var typed *Error
		if !errors.As(err, &typed) || !strings.Contains(typed.Hint(), want) {
			t.Errorf("got %v, want the hint %q", err, want)
		}
	}
}

// The registry's wish is heeded, also for what the layer above repeats.
func TestWaitsAsAsked(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPatch} {
		var calls int
		answer := roundTripper(func(req *http.Request) (*http.Response, error) {
			calls++
			code, header := http.StatusOK, http.Header{}
			if calls == 1 {
				code = http.StatusTooManyRequests
				header.Set("Retry-After", "30")
			}
			return &http.Response{StatusCode: code, Header: header, Body: http.NoBody, Request: req}, nil
		})
		r := &retry{inner: answer, base: time.Microsecond, limit: 300 * time.Millisecond}
		req := httptest.NewRequestWithContext(t.Context(), method, "http://registry/v2/x/blobs/uploads/1", nil)
		start := time.Now()
		resp, err := r.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if took := time.Since(start); took < r.limit {
			t.Errorf("%s: waited %v, want %v", method, took, r.limit)
		}
		if want := map[string]int{http.MethodGet: 2, http.MethodPatch: 1}[method]; calls != want {
			t.Errorf("%s: got %d requests, want %d", method, calls, want)
		}
	}
}

func TestProgress(t *testing.T) {
	s := newServer(t, true)
	var done, total int64
	r := fast(t, Config{Progress: func(d, all int64) { done, total = d, all }})
	if _, err := r.Push(t.Context(), s.repo(t, "x"), image(t), attachTwo, []string{"1"}); err != nil {
		t.Fatal(err)
	}
	if total < 3*2000 || done != total {
		t.Errorf("got %d of %d bytes at the end, want all of at least 6000", done, total)
	}
}
