package push

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/kiln-build/kiln/test/registry"
)

// uploads counts what the registry was asked since the last call: blobs that
// it was to mount, those that it mounted, and those that it was given.
type uploads struct{ Asked, Mounted, Given int }

func uploadsOf(t *testing.T, r *registry.Registry) uploads {
	t.Helper()
	log, err := os.ReadFile(r.AccessLog)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(r.AccessLog, 0); err != nil {
		t.Fatal(err)
	}
	var u uploads
	for line := range strings.Lines(string(log)) {
		switch {
		case strings.Contains(line, `"POST /v2/`) && strings.Contains(line, "mount="):
			u.Asked++
			if strings.Contains(line, `" 201 `) {
				u.Mounted++
			}
		case strings.Contains(line, `"PUT /v2/`) && strings.Contains(line, "/blobs/uploads/"):
			u.Given++
		}
	}
	return u
}

// onBase is an image with a layer of its own above the base's.
func onBase(t *testing.T, base v1.Image) v1.Image {
	t.Helper()
	own, err := random.Layer(500, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(base, own)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// Each kiln is a process of its own, and what one pushed the next has the
// registry mount; a registry that has lost it is given it again.
func TestMountsAcrossProcesses(t *testing.T) {
	server := registry.Start(t, registry.Options{})
	mounts := filepath.Join(t.TempDir(), "mounts")
	base := image(t) // three layers and a configuration
	push := func(repo string, img v1.Image) uploads {
		t.Helper()
		to, err := name.NewRepository(server.Addr + "/" + repo)
		if err != nil {
			t.Fatal(err)
		}
		r := fast(t, Config{Mounts: mounts})
		ref, err := r.Push(t.Context(), to, img, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := uploadsOf(t, server)
		back, err := r.Image(t.Context(), ref, v1.Platform{})
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(back); err != nil {
			t.Errorf("%s: %v", repo, err)
		}
		uploadsOf(t, server)
		return got
	}
	for _, c := range []struct {
		repo string
		want uploads
	}{
		{"team/one", uploads{Given: 5}},
		{"team/two", uploads{Asked: 3, Mounted: 3, Given: 2}},
		{"team/two", uploads{Given: 2}}, // another image, on the same base
		{"team/three", uploads{Asked: 3, Mounted: 3, Given: 2}},
	} {
		if diff := cmp.Diff(c.want, push(c.repo, onBase(t, base))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.repo, diff)
		}
	}
	repositories := filepath.Join(server.Root, "docker/registry/v2/repositories/team")
	for _, gone := range []string{"one", "two", "three"} {
		if err := os.RemoveAll(filepath.Join(repositories, gone)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(uploads{Asked: 3, Given: 5}, push("team/four", onBase(t, base))); diff != "" {
		t.Errorf("with the other repositories gone (-want +got):\n%s", diff)
	}
}

// A base of the same registry is mounted from where it is.
func TestMountsBaseImage(t *testing.T) {
	server := registry.Start(t, registry.Options{})
	r := fast(t, Config{})
	repo := func(path string) name.Repository {
		repo, err := name.NewRepository(server.Addr + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		return repo
	}
	ref, err := fast(t, Config{}).Push(t.Context(), repo("team/base"), image(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	base, err := r.Image(t.Context(), ref, v1.Platform{})
	if err != nil {
		t.Fatal(err)
	}
	uploadsOf(t, server)
	if _, err := r.Push(t.Context(), repo("team/app"), onBase(t, base), nil, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(uploads{Asked: 3, Mounted: 3, Given: 2}, uploadsOf(t, server)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// wantsToken serves tokens, and refuses who comes without.
func (s *server) wantsToken(w http.ResponseWriter, req *http.Request) bool {
	switch {
	case req.URL.Path == "/token":
		json.NewEncoder(w).Encode(map[string]string{"token": "let-me-in"}) //nolint:errcheck // a test
	case req.Header.Get("Authorization") == "Bearer let-me-in":
		return false
	default:
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+s.URL+`/token",service="test"`)
		w.WriteHeader(http.StatusUnauthorized)
	}
	return true
}

// Whatever a registry, or the server of its tokens, answers to the question:
// the layers get there.
func TestMountRefused(t *testing.T) {
	for what, refuse := range map[string]func(s *server, w http.ResponseWriter, req *http.Request) bool{
		"an upload in its place": func(_ *server, _ http.ResponseWriter, req *http.Request) bool {
			if req.URL.Query().Has("mount") {
				req.URL.RawQuery = ""
			}
			return false
		},
		"an error": func(_ *server, w http.ResponseWriter, req *http.Request) bool {
			refused := req.URL.Query().Has("mount")
			if refused {
				w.WriteHeader(http.StatusForbidden)
			}
			return refused
		},
		"no token": func(s *server, w http.ResponseWriter, req *http.Request) bool {
			if req.URL.Path == "/token" && strings.Contains(req.URL.RawQuery, "one") {
				w.WriteHeader(http.StatusForbidden)
				return true
			}
			return s.wantsToken(w, req)
		},
	} {
		t.Run(what, func(t *testing.T) {
			s, img, mounts := newServer(t, true), image(t), t.TempDir()
			if _, err := fast(t, Config{Mounts: mounts}).Push(t.Context(), s.repo(t, "one"), img, nil, nil); err != nil {
				t.Fatal(err)
			}
			// What was on its way when the question was refused may be given twice.
			asked, given := 0, map[string]bool{}
			s.breakWith(func(w http.ResponseWriter, req *http.Request) bool {
				// The in-memory registry shares blobs between repositories.
				if req.Method == http.MethodHead && strings.Contains(req.URL.Path, "/two/blobs/") {
					w.WriteHeader(http.StatusNotFound)
					return true
				}
				if strings.Contains(req.URL.RawQuery, "one") {
					s.mu.Lock()
					asked++
					s.mu.Unlock()
				}
				if refuse(s, w, req) {
					return true
				}
				if req.Method == http.MethodPut && strings.HasPrefix(req.URL.Path, "/v2/two/blobs/uploads/") {
					s.mu.Lock()
					given[req.URL.Query().Get("digest")] = true
					s.mu.Unlock()
				}
				return false
			})
			if _, err := fast(t, Config{Mounts: mounts}).Push(t.Context(), s.repo(t, "two"), img, nil, nil); err != nil {
				t.Fatal(err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if asked == 0 || len(given) != 4 {
				t.Errorf("got %d layers asked for elsewhere and %d blobs given, want some and 4", asked, len(given))
			}
		})
	}
}

// Where no token is given for the base's repository, its layers are uploaded.
func TestMountOfBaseRefused(t *testing.T) {
	s, r := newServer(t, true), fast(t, Config{})
	ref, err := fast(t, Config{}).Push(t.Context(), s.repo(t, "base"), image(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	base, err := r.Image(t.Context(), ref, v1.Platform{})
	if err != nil {
		t.Fatal(err)
	}
	refused := false
	s.breakWith(func(w http.ResponseWriter, req *http.Request) bool {
		switch {
		case req.URL.Path == "/token" && strings.Contains(req.URL.RawQuery, "base"):
			refused = true
			w.WriteHeader(http.StatusForbidden)
			return true
		case req.Method == http.MethodHead && strings.HasPrefix(req.URL.Path, "/v2/app/blobs/"): // it shares blobs
			w.WriteHeader(http.StatusNotFound)
			return true
		case strings.HasPrefix(req.URL.Path, "/v2/base/"): // for anybody
			return false
		}
		return s.wantsToken(w, req)
	})
	if _, err := r.Push(t.Context(), s.repo(t, "app"), onBase(t, base), nil, nil); err != nil || !refused {
		t.Errorf("got %v, and that a token was refused is %t", err, refused)
	}
}
