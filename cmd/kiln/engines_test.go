package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseEngines(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		want  engineAddresses
		err   string
	}{
		"none": {nil, engineAddresses{}, ""},
		"one":  {[]string{"tcp://b:1234"}, engineAddresses{fallback: "tcp://b:1234"}, ""},
		"for a platform": {[]string{"linux/arm64=ssh://me@arm"}, engineAddresses{
			platform: map[string]string{"linux/arm64": "ssh://me@arm"}}, ""},
		"both": {[]string{"linux/arm64=tcp://arm:1", "unix:///run/b.sock"}, engineAddresses{
			fallback: "unix:///run/b.sock", platform: map[string]string{"linux/arm64": "tcp://arm:1"}}, ""},
		"an address with a query": {[]string{"kube-pod://builder?namespace=ci"}, engineAddresses{fallback: "kube-pod://builder?namespace=ci"}, ""},
		"two for everything":      {[]string{"tcp://a:1", "tcp://b:1"}, engineAddresses{fallback: "tcp://a:1", pool: []string{"tcp://a:1", "tcp://b:1"}}, ""},
		"two for a platform":      {[]string{"linux/arm64=tcp://a:1", "linux/arm64=tcp://b:1"}, engineAddresses{}, "two addresses are for linux/arm64"},
		"no platform":             {[]string{"arm64=tcp://me:secret@a:1"}, engineAddresses{}, "got \"arm64=…\""},
		"no address":              {[]string{"linux/arm64="}, engineAddresses{}, "want an address"},
		"another system":          {[]string{"windows/amd64=tcp://a:1"}, engineAddresses{}, "want an address"},
	} {
		got, err := parseEngines(c.flags)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || exitCode(err) != exitUsage || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: got %v, want a mistake in usage with %q", name, err, c.err)
			}
			continue
		}
		if c.want.platform == nil {
			c.want.platform = map[string]string{}
		}
		if c.want.pool == nil && c.want.fallback != "" {
			c.want.pool = []string{c.want.fallback}
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(engineAddresses{})); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestNoEngine(t *testing.T) {
	err := &noEngineError{
		platform: "linux/arm64", where: "embedded", can: []string{"linux/amd64", "linux/386"},
		named: map[string]string{"linux/s390x": "tcp://z:1", "linux/riscv64": "tcp://r:1"},
	}
	want := "building on linux/arm64: no engine runs it: the embedded engine runs linux/amd64, linux/386; " +
		"one is named for linux/riscv64; one is named for linux/s390x"
	if got := err.Error(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !strings.Contains(hint(platformError{err, "linux/arm64"}), "--engine linux/arm64=ADDRESS") {
		t.Errorf("got hint %q, want --engine in it", err.Hint())
	}
}
