package archive

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

// of is a stanza of an architecture other than amd64.
func of(arch, text string) string {
	return strings.ReplaceAll(text, "Architecture: amd64", "Architecture: "+arch)
}

// twoIndex is an index of amd64 and arm64. The texts are of amd64; what is not
// in foreign is in both.
func twoIndex(t testing.TB, native, foreign string) *Index {
	t.Helper()
	other := testIndex(t, map[string]string{"": foreign})
	other.arch = "arm64"
	return testIndex(t, map[string]string{"": native}).With(other)
}

// both resolves in an index that has the same packages for amd64 and arm64.
func both(t testing.TB, packages string) *Index {
	return twoIndex(t, packages, of("arm64", packages))
}

func chosenOf(res Resolution) []string {
	var out []string
	for _, p := range res.Packages {
		out = append(out, p.Name+":"+p.Architecture+"="+p.Version)
	}
	return out
}

func TestResolveCross(t *testing.T) {
	const same, foreign, allowed = "Multi-Arch: same", "Multi-Arch: foreign", "Multi-Arch: allowed"
	for _, c := range []struct {
		name  string
		index string
		req   Request
		want  []string
	}{{
		name:  "a build dependency is for the host, and so is what it needs",
		index: stanza("lib-dev", "1", same, "Depends: lib") + stanza("lib", "1", same),
		req:   Request{Build: []string{"lib-dev"}},
		want:  []string{"lib:arm64=1", "lib-dev:arm64=1"},
	}, {
		name:  "what is Multi-Arch: foreign can be run",
		index: stanza("tool", "1", foreign, "Depends: lib") + stanza("lib", "1", same),
		req:   Request{Build: []string{"tool"}},
		want:  []string{"lib:amd64=1", "tool:amd64=1"},
	}, {
		name:  "a library of the host that needs a tool",
		index: stanza("lib-dev", "1", same, "Depends: tool, lib") + stanza("lib", "1", same) + stanza("tool", "1", foreign, "Depends: lib"),
		req:   Request{Build: []string{"lib-dev"}},
		want:  []string{"lib:amd64=1", "lib:arm64=1", "lib-dev:arm64=1", "tool:amd64=1"},
	}, {
		name:  "native and seeds are for the build machine",
		index: stanza("a", "1", same) + stanza("b", "1", allowed),
		req:   Request{Seeds: []string{"b"}, Build: []string{"a:native", "a"}},
		want:  []string{"a:amd64=1", "a:arm64=1", "b:amd64=1"},
	}, {
		name:  "a seed of an architecture",
		index: stanza("a", "1", same) + stanza("a", "2", same),
		req:   Request{Seeds: []string{"a:arm64=1"}},
		want:  []string{"a:arm64=1"},
	}, {
		name:  "any for what is Multi-Arch: allowed",
		index: stanza("perl", "1", allowed) + stanza("lib-dev", "1", same, "Depends: perl:any"),
		req:   Request{Build: []string{"perl:any", "lib-dev"}},
		want:  []string{"lib-dev:arm64=1", "perl:amd64=1"},
	}, {
		name:  "Architecture: all serves a build dependency",
		index: stanza("lib-dev", "1", same) + of("all", stanza("data", "1", "Depends: tool")) + stanza("tool", "1"),
		req:   Request{Build: []string{"data", "lib-dev"}},
		want:  []string{"data:all=1", "lib-dev:arm64=1", "tool:amd64=1"},
	}, {
		name:  "a virtual package of the host",
		index: stanza("real-dev", "1", same, "Provides: v-dev") + stanza("other", "1", "Depends: v-dev"),
		req:   Request{Build: []string{"v-dev"}, Seeds: []string{"other"}},
		want:  []string{"other:amd64=1", "real-dev:amd64=1", "real-dev:arm64=1"},
	}, {
		name:  "a package that excludes its own virtual name is there for both",
		index: stanza("mta", "1", same, "Provides: v", "Conflicts: v"),
		req:   Request{Seeds: []string{"mta", "mta:arm64"}},
		want:  []string{"mta:amd64=1", "mta:arm64=1"},
	}} {
		t.Run(c.name, func(t *testing.T) {
			res, err := both(t, c.index).Resolve(c.req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, chosenOf(res)); diff != "" {
				t.Errorf("packages (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSameVersions: of a package for two architectures, the newest version
// that there is for both is taken.
func TestSameVersions(t *testing.T) {
	const same = "Multi-Arch: same"
	x := twoIndex(t, stanza("lib", "1", same)+stanza("lib", "2", same), of("arm64", stanza("lib", "1", same)))
	res, err := x.Resolve(Request{Seeds: []string{"lib", "lib:arm64"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"lib:amd64=1", "lib:arm64=1"}, chosenOf(res)); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

func TestResolveCrossErrors(t *testing.T) {
	const same, allowed = "Multi-Arch: same", "Multi-Arch: allowed"
	for _, c := range []struct {
		name            string
		native, foreign string
		req             Request
		want            string
	}{{
		name:   "no version for both",
		native: stanza("lib", "2", same), foreign: stanza("lib", "1", same),
		req:  Request{Seeds: []string{"lib", "lib:arm64"}},
		want: "resolving packages: the request needs lib:arm64: lib is chosen in version 2 (lib 2)",
	}, {
		name:   "not for both at once",
		native: stanza("p", "1", allowed), foreign: stanza("p", "1", allowed),
		req:  Request{Seeds: []string{"p", "p:arm64"}},
		want: "resolving packages: the request needs p:arm64: p is chosen in version 1 (p 1)",
	}, {
		name:   "not for the host",
		native: stanza("p", "1", same), foreign: stanza("q", "1", same),
		req:  Request{Build: []string{"p"}},
		want: `no package "p" for arm64`,
	}, {
		name:   "any of what does not allow it",
		native: stanza("p", "1", same), foreign: stanza("p", "1", same),
		req:  Request{Build: []string{"p:any"}},
		want: "resolving packages: the request needs p:any: p is not Multi-Arch: allowed",
	}, {
		name:   "a dependency that is not Multi-Arch: foreign",
		native: of("all", stanza("d", "1")) + stanza("lib", "1", same), foreign: stanza("lib", "1", same, "Depends: d"),
		req:  Request{Build: []string{"lib"}},
		want: "resolving packages: lib:arm64 1 needs d: there is no d for arm64",
	}, {
		name:   "what breaks a package of the other architecture",
		native: stanza("a", "1", "Breaks: b"), foreign: stanza("b", "1"),
		req:  Request{Seeds: []string{"a", "b:arm64"}},
		want: "resolving packages: a (= 1) conflicts with b (= 1): it breaks b\n\ta 1\n\tb:arm64 1",
	}} {
		t.Run(c.name, func(t *testing.T) {
			_, err := twoIndex(t, c.native, of("arm64", c.foreign)).Resolve(c.req)
			if fmt.Sprint(err) != c.want {
				t.Errorf("error is\n%v, want\n%s", err, c.want)
			}
		})
	}
}

// TestResolveCrossLive resolves a cross environment in the real archive, and
// holds the result to Debian's rules in another way than the solver: package
// by package, over what was chosen.
func TestResolveCrossLive(t *testing.T) {
	c := hostClient(t, t.TempDir())
	x := hostIndex(t, c, "amd64").With(hostIndex(t, c, "arm64"))
	res, err := x.Resolve(Request{
		Seeds:     []string{"gcc-aarch64-linux-gnu", "g++-aarch64-linux-gnu", "libc6-dev:arm64", "make", "cmake", "meson"},
		Build:     []string{"libssl-dev", "zlib1g-dev", "libpcre2-dev", "libjemalloc-dev", "libpq-dev", "pkgconf", "bison", "python3:any"},
		Essential: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]map[string]recipes.Package{}
	for _, p := range res.Packages {
		if byName[p.Name] == nil {
			byName[p.Name] = map[string]recipes.Package{}
		}
		byName[p.Name][p.Architecture] = p
		if p.Essential && p.Architecture == "arm64" {
			t.Errorf("%s of arm64 is essential", p.Name)
		}
	}
	for name, want := range map[string][]string{
		"libssl-dev": {"arm64"}, "libjemalloc-dev": {"arm64"}, "libpq-dev": {"arm64"}, "libc6": {"amd64", "arm64"},
		"bison": {"amd64"}, "python3": {"amd64"}, "make": {"amd64"}, "gcc-aarch64-linux-gnu": {"amd64"},
	} {
		for _, arch := range want {
			if _, ok := byName[name][arch]; !ok || len(byName[name]) != len(want) {
				t.Errorf("%s is there for %v, want %v", name, byName[name], want)
			}
		}
	}
	for name, of := range byName {
		if len(of) > 1 && of["amd64"].Version != of["arm64"].Version {
			t.Errorf("%s is there as %s and %s", name, of["amd64"].Version, of["arm64"].Version)
		}
	}
	var unknown *UnknownError
	if _, err := x.Resolve(Request{Build: []string{"nonsuch-dev"}}); !errors.As(err, &unknown) {
		t.Errorf("error is %v, want an *UnknownError", err)
	}
}
