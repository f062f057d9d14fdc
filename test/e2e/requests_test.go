//go:build e2e

package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// request is one that the registry answered.
type request struct{ method, path string }

var accessLine = regexp.MustCompile(`"(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP/`)

// requests are all so far, from the registry's access log. Those without
// credentials, which only ask for a password prompt, are left out.
func (b *bed) requests(t *testing.T) (all []request) {
	t.Helper()
	for line := range strings.Lines(read(t, b.AccessLog)) {
		m := accessLine.FindStringSubmatch(line)
		if m != nil && !strings.Contains(line, `" 401 `) {
			all = append(all, request{m[1], m[2]})
		}
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
