package gomod

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVersions(t *testing.T) {
	const dir = "/example.org/!m/"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
		err   string
	}{
		{name: "sorted, without what is retracted",
			files: map[string]string{
				"@v/list": "v1.10.0\nv1.2.0\nv1.9.0\nv1.11.0-rc.1\n", "@latest": `{"Version":"v1.10.0"}`,
				"@v/v1.10.0.mod": gomod + "retract [v1.9.0, v1.9.5]\nretract v1.11.0-rc.1\n",
			},
			want: []string{"v1.2.0", "v1.10.0"}},
		{name: "the newest retracts itself",
			files: map[string]string{"@v/list": "v1.0.0\nv1.0.1\n", "@v/v1.0.1.mod": gomod + "retract v1.0.1\n"}, want: []string{"v1.0.0"}},
		{name: "latest is not in the list", files: map[string]string{"@v/list": "v1.0.0\n", "@latest": `{"Version":"v1.1.0"}`, "@v/v1.1.0.mod": gomod}, want: []string{"v1.0.0", "v1.1.0"}},
		{name: "no tag", files: map[string]string{"@v/list": "", "@latest": `{"Version":"v0.0.0-20240102030405-0123456789ab"}`}, err: "the proxy knows none"},
		{name: "nothing", files: map[string]string{}, err: "not found"},
		{name: "hostile", files: map[string]string{"@v/list": "v1.0.0\nv1.0;rm\n"}, err: `"v1.0;rm", which is no version`},
		{name: "hostile latest", files: map[string]string{"@v/list": "v1.0.0\n", "@latest": `{"Version":"../x"}`}, err: `"../x", which is no version`},
		{name: "endless", files: map[string]string{"@v/list": strings.Repeat("v1.0.0\n", 1<<21)}, err: "over the size limit"},
		{name: "no go.mod", files: map[string]string{"@v/list": "v1.0.0\n"}, err: "v1.0.0.mod: not found"},
		{name: "a malformed go.mod", files: map[string]string{"@v/list": "v1.0.0\n", "@v/v1.0.0.mod": "retract \"\n"}, err: "reading the go.mod of v1.0.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProxy(t, "x")
			p.files = map[string][]byte{}
			for name, text := range c.files {
				p.files[dir+name] = []byte(text)
			}
			client := &Client{Proxy: p.URL, HTTP: http.DefaultClient}
			got, err := client.Versions(t.Context(), modpath)
			if diff := cmp.Diff(c.want, got); diff != "" || (err == nil) != (c.err == "") {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			if c.err != "" && (!strings.Contains(err.Error(), c.err) || !strings.HasPrefix(err.Error(), "listing versions of Go module example.org/M: ")) {
				t.Errorf("got %v, want %q", err, c.err)
			}
		})
	}
}

func TestVersionsKeepPrivateNames(t *testing.T) {
	p := newProxy(t, "x")
	client := &Client{Proxy: p.URL, NoProxy: "example.org/*", HTTP: http.DefaultClient}
	if _, err := client.Versions(t.Context(), modpath); err == nil || len(p.asked) > 0 {
		t.Errorf("got %v, having asked for %v", err, p.asked)
	}
}
