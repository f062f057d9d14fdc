package recipes

import (
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func checkHTTPTest(c *checker, at string, h HTTPTest, m *Image) {
	checkTestPort(c, at, h.Port, m)
	if h.Method != "" && !methodForm.MatchString(h.Method) {
		c.bad(at+".method", "write it as GET or POST", "%q is not a method of HTTP", clip(h.Method))
	}
	if _, err := url.ParseRequestURI(h.path()); err != nil || h.path()[0] != '/' || strings.Contains(h.Path, "#") {
		c.bad(at+".path", "write the path and the query only, as /healthz?full=1", "%s.path %q does not begin with a slash, or cannot be requested", at, clip(h.Path))
	}
	if h.Status != 0 && (h.Status < 200 || h.Status > 599) {
		c.bad(at+".status", "", "status %d is not from 200 to 599", h.Status)
	}
	for _, headers := range []struct {
		name string
		m    map[string]string
	}{{"headers", h.Headers}, {"expect-headers", h.ExpectHeaders}} {
		for _, k := range slices.Sorted(maps.Keys(headers.m)) {
			if !headerForm.MatchString(k) {
				c.bad(at+"."+headers.name+"."+k, "", "%q cannot be a header of HTTP", clip(k))
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(h.Headers)) {
		if strings.ContainsAny(h.Headers[k], "\n") || textproto.TrimString(h.Headers[k]) != h.Headers[k] {
			c.bad(at+".headers."+k, "", "the header %s has a value of several lines, or with blanks around it", k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(h.ExpectHeaders)) {
		checkPatterns(c, at+".expect-headers."+k, []string{h.ExpectHeaders[k]})
	}
	checkPatterns(c, at+".expect", h.Expect)
	if h.Method == http.MethodHead && len(h.Expect) > 0 {
		c.bad(at+".expect", "use GET", "the answer to HEAD has no body")
	}
}

// checkTestPort: without a port of its own, a request goes to the image's.
func checkTestPort(c *checker, at string, port int, m *Image) {
	switch {
	case port < 0 || port > 65535:
		c.bad(at+".port", "", "port %d is not from 1 to 65535", port)
	case port == 0 && FirstPort(m.Ports) == 0 && !c.spoiled("image.ports"):
		c.bad(at, "give it one, or the image its `ports`", "%s has no port", at)
	}
}

// FirstPort is the first TCP port of a list as image.ports is one, or 0.
func FirstPort(ports []string) int {
	for _, p := range ports {
		number, protocol, _ := strings.Cut(p, "/")
		if n, err := strconv.Atoi(number); err == nil && protocol != "udp" {
			return n
		}
	}
	return 0
}
