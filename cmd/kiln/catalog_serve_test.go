package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/recipes/site"
)

// serving serves the pages until the test ends it, and returns where.
func serving(t *testing.T, pages *sitePages) (url string, end func() error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, pages) }()
	return "http://" + listener.Addr().String() + "/", func() error {
		cancel()
		return <-ended
	}
}

func onePage(context.Context) (*site.Catalog, error) {
	return &site.Catalog{Title: "Ours", Images: []site.Image{{Name: "nats", Summary: "Messaging"}}}, nil
}

func TestServe(t *testing.T) {
	url, end := serving(t, newSitePages(onePage, io.Discard))
	for _, test := range []struct {
		name, method, path, host string
		code                     int
		says                     string
	}{
		{"index", "GET", "", "", 200, "<title>Ours</title>"},
		{"index by name", "GET", "index.html", "", 200, "Messaging"},
		{"image", "GET", "image/nats.html", "", 200, "<title>nats · Ours</title>"},
		{"head", "HEAD", "", "", 200, ""},
		{"nothing there", "GET", "image/none.html", "", 404, "no such page"},
		{"nothing above", "GET", "image/%2e%2e/%2e%2e/etc/passwd", "", 404, "no such page"},
		{"post", "POST", "", "", 405, "only GET and HEAD"},
		{"delete", "DELETE", "image/nats.html", "", 405, "only GET and HEAD"},
		{"localhost", "GET", "", "localhost:8000", 200, "Ours"},
		{"by a name of somebody else", "GET", "", "pages.example", 421, "loopback"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t, test.method, url+test.path, test.host, "")
			if got.code != test.code || !strings.Contains(got.body, test.says) {
				t.Errorf("got %d:\n%s\nwant %d and %q", got.code, got.body, test.code, test.says)
			}
			for header, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; ", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			} {
				if value := got.header.Get(header); !strings.HasPrefix(value, want) {
					t.Errorf("%s is %q, want %q", header, value, want)
				}
			}
			if test.code == 405 && got.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", got.header.Get("Allow"))
			}
		})
	}
	tag := ask(t, "GET", url, "", "").header.Get("ETag")
	if again := ask(t, "GET", url, "", tag); again.code != http.StatusNotModified || again.body != "" {
		t.Errorf("the same page again: got %d, want 304", again.code)
	}
	if err := end(); err != nil {
		t.Errorf("ending: %v", err)
	}
	if conn, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(url, "http:"), "/")); err == nil {
		conn.Close()
		t.Error("it answers after its end")
	}
}

// answer is what came of a request.
type answer struct {
	code   int
	header http.Header
	body   string
}

func ask(t *testing.T, method, url, host, etag string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// TestServeWhatCannotBeRead: why is for who serves, not for who looks; and the
// next who looks asks anew.
func TestServeWhatCannotBeRead(t *testing.T) {
	var log bytes.Buffer
	failing := true
	url, end := serving(t, newSitePages(func(ctx context.Context) (*site.Catalog, error) {
		if failing {
			failing = false
			return nil, errors.New("reading /home/somebody/kiln.yaml: no")
		}
		return onePage(ctx)
	}, &log))
	if got := ask(t, "GET", url, "", ""); got.code != http.StatusInternalServerError || strings.Contains(got.body, "somebody") {
		t.Errorf("got %d:\n%s", got.code, got.body)
	}
	if got := ask(t, "GET", url, "", ""); got.code != http.StatusOK {
		t.Errorf("the next time: got %d, want 200", got.code)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "/home/somebody/kiln.yaml: no\n") {
		t.Errorf("who serves is told %q", log.String())
	}
}

func TestLoopbackHost(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1:8000": true, "127.0.0.1": true, "localhost": true, "[::1]:80": true, "127.9.9.9:1": true,
		"0.0.0.0:8000": false, "[::]:80": false, "10.0.0.1": false, "localhost.example": false, "": false,
	} {
		if got := loopbackHost(host); got != want {
			t.Errorf("%q: got %t, want %t", host, got, want)
		}
	}
}
