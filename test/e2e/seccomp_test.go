//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSeccompProfile runs a service under the profile of the system calls that
// its tests made: it serves, and what no test did is refused.
func TestSeccompProfile(t *testing.T) {
	b := newBed(t)
	profile := filepath.Join(t.TempDir(), "profile.json")
	ref := b.must(t, "kiln", append(b.flags("testdata/seccomp", "seccomp"), "--trace-syscalls", profile)...).last()
	data, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), `"sysinfo"`) || !strings.Contains(string(data), `"accept4"`) {
		t.Errorf("the profile is\n%s", data)
	}
	for _, c := range []struct{ name, option, corner string }{
		{"under the profile", "--security-opt=seccomp=" + profile, "sysinfo: function not implemented"},
		{"without", "--security-opt=seccomp=unconfined", "sysinfo: <nil>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, b, ref, c.option)
			if got := s.get(t, "/"); got != "in the middle" {
				t.Errorf("/ is %q", got)
			}
			if got := s.get(t, "/corner"); got != c.corner {
				t.Errorf("/corner is %q, want %q", got, c.corner)
			}
		})
	}
	// What is unchanged is traced as well, and to the same profile.
	again := filepath.Join(t.TempDir(), "again.json")
	b.must(t, "kiln", append(b.flags("testdata/seccomp", "seccomp"), "--trace-syscalls", again)...)
	if _, err := os.Stat(again); err != nil {
		t.Error(err)
	}
}

// get is the body at a path of the container's service.
func (c *container) get(t *testing.T, path string) string {
	t.Helper()
	conn, err := c.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(body))
}
