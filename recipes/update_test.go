package recipes

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTracks(t *testing.T) {
	const head = "kiln: v1\nname: x\nversion: 1.2.3\nsummary: x\nlicense: MIT\n"
	const tail = "build:\n  toolchain: go\n  steps:\n    - go: {output: /usr/bin/x}\nimage:\n  base: static\n  entrypoint: [/usr/bin/x]\n"
	for _, c := range []struct {
		name, fields string
		want         Update
	}{
		{"a module", "sources: [{go: 'example.org/m@v${version}'}, {local: files, into: f}]\n", Update{Go: "example.org/m"}},
		{"a module without go.mod", "sources: [{go: 'example.org/m@v${version}+incompatible'}]\n", Update{Go: "example.org/m"}},
		{"a module of another version", "sources: [{go: example.org/m@v1.0.0}]\n", Update{}},
		{"two modules", "sources: [{go: 'example.org/m@v${version}'}, {go: 'example.org/n@v${version}', into: n}]\n", Update{}},
		{"two modules and a word", "sources: [{go: 'example.org/m@v${version}'}, {go: 'example.org/n@v${version}', into: n}]\nupdate: {go: example.org/n}\n", Update{Go: "example.org/n"}},
		{"a source package", "sources: [{debian: {package: nginx, suite: trixie}}]\n", Update{Debian: "nginx"}},
		{"a tag", "sources: [{git: {url: 'https://example.org/x', ref: 'release-${version}'}}]\n", Update{Git: "https://example.org/x", Tags: "release-${version}"}},
		{"a branch", "sources: [{git: {url: 'https://example.org/x', ref: main}}]\n", Update{}},
		{"a channel of what is derived", "sources: [{go: 'example.org/m@v${version}'}]\nupdate: {channel: 1.x, changelog: 'https://example.org/${version}'}\n",
			Update{Go: "example.org/m", Channel: "1.x", Changelog: "https://example.org/${version}"}},
		{"a repository", "sources: [{local: .}]\nupdate: {git: 'https://example.org/x'}\n", Update{Git: "https://example.org/x", Tags: "v${version}"}},
		{"nothing", "sources: [{local: .}]\n", Update{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Parse("recipe.yaml", []byte(head+c.fields+tail))
			if err != nil {
				t.Fatal(err)
			}
			got, ok := r.Tracks()
			if diff := cmp.Diff(c.want, got); diff != "" || ok != (c.want.Kind() != "") {
				t.Errorf("known %t, (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func TestChannel(t *testing.T) {
	for _, c := range []struct {
		channel string
		in, out string
	}{
		{"", "1 2.0 banana", ""},
		{"2.x", "2 2.0 2.10.1 2-rc1 2~beta", "20.1 1.2 3 02.1"},
		{"1.28.x", "1.28 1.28.0 1.28.11 1.28+x", "1.29.0 1.280 1.2.8 11.28.1"},
	} {
		u := Update{Channel: c.channel}
		for _, v := range strings.Fields(c.in) {
			if !u.In(v) {
				t.Errorf("%s is not in %s", v, c.channel)
			}
		}
		for _, v := range strings.Fields(c.out) {
			if u.In(v) {
				t.Errorf("%s is in %s", v, c.channel)
			}
		}
	}
}
