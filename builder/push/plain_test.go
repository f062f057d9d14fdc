package push

import (
	"net/http"
	"testing"
)

// TestPlainHosts: only the named registries are spoken to without TLS.
func TestPlainHosts(t *testing.T) {
	var asked []string
	inner := transportFunc(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.String())
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	s := &schemes{inner: inner, plainHosts: []string{"registry.example:5000"}}
	for _, c := range []struct{ url, want string }{
		{"https://registry.example:5000/v2/", "http://registry.example:5000/v2/"},
		{"http://registry.example:5000/v2/", "http://registry.example:5000/v2/"},
		{"https://other.example/v2/", "https://other.example/v2/"},
		{"http://registry.example/v2/", ""},
	} {
		asked = nil
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.RoundTrip(req)
		if err == nil {
			res.Body.Close()
		}
		if (err == nil) != (c.want != "") || c.want != "" && asked[0] != c.want {
			t.Errorf("%s: asked %v, %v, want %q", c.url, asked, err, c.want)
		}
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
