package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// pages answers requests for a list, two names a page.
func pages(path, field string, list []string) func(w http.ResponseWriter, req *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path != path {
			return false
		}
		from := 0
		fmt.Sscan(req.URL.Query().Get("last"), &from) //nolint:errcheck // the first page has none
		to := min(from+2, len(list))
		if to < len(list) {
			w.Header().Set("Link", fmt.Sprintf("<%s?last=%d>; rel=\"next\"", path, to))
		}
		fmt.Fprintf(w, `{%q: ["%s"]}`, field, strings.Join(list[from:to], `","`))
		return true
	}
}

func TestListing(t *testing.T) {
	s := newServer(t, false)
	r := fast(t, Config{})
	repo := s.repo(t, "b")
	s.breakWith(pages("/v2/_catalog", "repositories", []string{"c", "a", "b", "a", "d/e"}))
	got, err := r.Repositories(t.Context(), repo.Registry)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d/e"}, got); diff != "" {
		t.Errorf("repositories (-want +got):\n%s", diff)
	}
	s.breakWith(pages("/v2/b/tags/list", "tags", []string{"2", "1", "latest"}))
	if got, err = r.Tags(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1", "2", "latest"}, got); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestListingWithoutEnd(t *testing.T) {
	r := fast(t, Config{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"tags": ["1"]}`)), Request: req}
		resp.Header.Set("Link", "<"+req.URL.Path+">; rel=\"next\"")
		return resp, nil
	})})
	repo, err := name.NewRepository("registry.test/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Tags(t.Context(), repo); err == nil || !Answered(err) || !strings.Contains(err.Error(), "has no end") {
		t.Errorf("pages that lead to themselves: got %v", err)
	}
}

func TestListingRefused(t *testing.T) {
	for _, code := range []int{401, 403, 404, 405} {
		s := newServer(t, false)
		s.breakWith(func(w http.ResponseWriter, req *http.Request) bool {
			if req.URL.Path == "/v2/_catalog" {
				w.WriteHeader(code)
			}
			return req.URL.Path == "/v2/_catalog"
		})
		_, err := fast(t, Config{}).Repositories(t.Context(), s.repo(t, "x").Registry)
		var refused *NoCatalogError
		if !errors.As(err, &refused) || !strings.Contains(refused.Hint(), "name the repositories") {
			t.Errorf("%d: got %v, want that the registry has no catalog", code, err)
		}
	}
	s := newServer(t, false)
	s.Close()
	_, err := fast(t, Config{}).Repositories(t.Context(), s.repo(t, "x").Registry)
	var known *Error
	if !errors.As(err, &known) || Answered(err) {
		t.Errorf("nobody listens: got %v", err)
	}
	s = newServer(t, false)
	_, err = fast(t, Config{}).Tags(t.Context(), s.repo(t, "nothing"))
	if !errors.As(err, &known) || !Answered(err) {
		t.Errorf("no repository: got %v", err)
	}
}

func TestAnswered(t *testing.T) {
	for err, want := range map[error]bool{
		context.Canceled: false, fmt.Errorf("x: %w", context.DeadlineExceeded): false,
		&transport.Error{StatusCode: 503}: false, &transport.Error{StatusCode: 429}: false, &transport.Error{StatusCode: 500}: true, &transport.Error{StatusCode: 404}: true,
		io.ErrUnexpectedEOF: true, errors.New("manifest digest does not match"): true,
	} {
		if got := Answered(err); got != want {
			t.Errorf("%v: got %v", err, got)
		}
	}
}

// What is attached changes the list, and only that does.
func TestAttachments(t *testing.T) {
	for _, api := range []bool{true, false} {
		s := newServer(t, api)
		r := fast(t, Config{})
		repo := s.repo(t, "x")
		img := image(t)
		digest, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		ref := repo.Digest(digest.String())
		if _, err := r.Push(t.Context(), repo, img, nil, []string{"1"}); err != nil {
			t.Fatal(err)
		}
		none, err := r.Attachments(t.Context(), ref, nil)
		if err != nil || len(none) > 0 {
			t.Errorf("got %v, %v, want nothing", none, err)
		}
		if _, err := r.Push(t.Context(), repo, img, attachTwo, []string{"1"}); err != nil {
			t.Fatal(err)
		}
		some, err := r.Attachments(t.Context(), ref, nil)
		if err != nil || len(some) != 3 {
			t.Fatalf("got %v, %v, want two referrers and a tag", some, err)
		}
		checkTagsSpare(t, s, r, ref, len(some))
	}
}

// checkTagsSpare asks only for those of cosign's tags that are there.
func checkTagsSpare(t *testing.T, s *server, r *Registry, ref name.Digest, want int) {
	t.Helper()
	tags, err := r.Tags(t.Context(), ref.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.take()
	again, err := r.Attachments(t.Context(), ref, tags)
	if err != nil || len(again) != want {
		t.Errorf("by tags: got %v, %v, want %d", again, err, want)
	}
	asked := 0
	for _, request := range s.take() {
		if strings.HasSuffix(request, ".sig") || strings.HasSuffix(request, ".att") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("%d of cosign's tags were asked for, of which one is there", asked)
	}
}
