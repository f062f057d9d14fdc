//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serveNATS publishes a message to its own subscription.
func serveNATS(t *testing.T, c *container) {
	talk(t, c, []exchange{
		{"", "INFO {"},
		{"CONNECT {\"verbose\":false}\r\nSUB kiln 1\r\nPUB kiln 5\r\nhello\r\n", "MSG kiln 1 5"},
		{"", "hello"},
		{"PING\r\n", "PONG"},
	})
}

// serveValkey stores a value and reads it back.
func serveValkey(t *testing.T, c *container) {
	talk(t, c, []exchange{
		{"*1\r\n$4\r\nPING\r\n", "+PONG"},
		{"*3\r\n$3\r\nSET\r\n$4\r\nkiln\r\n$3\r\nhot\r\n", "+OK"},
		{"*2\r\n$3\r\nGET\r\n$4\r\nkiln\r\n", "$3"},
		{"", "hot"},
	})
}

func serveNginx(t *testing.T, c *container) {
	code, body := get(t, c, "/")
	if code != http.StatusOK || body == "" {
		t.Errorf("GET /: got %d and %q, want a page", code, body)
	}
	if code, _ := get(t, c, "/nothing/here"); code != http.StatusNotFound {
		t.Errorf("GET /nothing/here: got %d, want 404", code)
	}
}

func serveHello(t *testing.T, c *container) {
	for path, want := range map[string]string{"/": "Hello from kiln\n", "/healthz": "ok\n"} {
		if code, body := get(t, c, path); code != http.StatusOK || body != want {
			t.Errorf("GET %s: got %d and %q, want %q", path, code, body, want)
		}
	}
}

// exchange is what to send, and how the next line must begin.
type exchange struct{ send, want string }

func talk(t *testing.T, c *container, exchanges []exchange) {
	t.Helper()
	conn, err := c.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(conn)
	for _, e := range exchanges {
		if _, err := io.WriteString(conn, e.send); err != nil {
			t.Fatal(err)
		}
		got, err := lines.ReadString('\n')
		if err != nil || !strings.HasPrefix(got, e.want) {
			t.Fatalf("after %q: got %q, %v, want %q", e.send, got, err, e.want)
		}
	}
}

func get(t *testing.T, c *container, path string) (code int, body string) {
	t.Helper()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx) },
		DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%s%s", c.port, path), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}
