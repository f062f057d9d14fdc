package archive

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testIndex is an index of suites by their names without "trixie".
func testIndex(t testing.TB, suites map[string]string) *Index {
	t.Helper()
	x := &Index{suite: "trixie", arch: "amd64"}
	for _, m := range family("trixie") {
		text, ok := suites[strings.TrimPrefix(m.suite, "trixie")]
		if !ok {
			continue
		}
		rows, err := packageRows([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		b, err := makeTable(rows, providedNames)
		if err != nil {
			t.Fatal(err)
		}
		tab, err := openTable(b)
		if err != nil {
			t.Fatal(err)
		}
		x.parts = append(x.parts, part{
			table: tab, backports: m.backports,
			release: &release{archive: m.archive, suite: m.suite, codename: m.suite},
		})
	}
	return x
}

func chosen(res Resolution) []string {
	var out []string
	for _, p := range res.Packages {
		s := p.Name + "=" + p.Version
		if p.Essential {
			s += "!"
		}
		out = append(out, s)
	}
	return out
}

func TestResolve(t *testing.T) {
	tests := []struct {
		name   string
		suites map[string]string
		req    Request
		want   []string
	}{{
		name: "depends and pre-depends",
		suites: map[string]string{"": stanza("a", "1", "Depends: b", "Pre-Depends: c (>= 1)") +
			stanza("b", "1", "Depends: c") + stanza("c", "1") + stanza("d", "1")},
		req:  Request{Seeds: []string{"a"}},
		want: []string{"a=1", "b=1", "c=1"},
	}, {
		name: "newest of release, updates and security, not backports",
		suites: map[string]string{"": stanza("a", "1"), "-updates": stanza("a", "1.1"),
			"-security": stanza("a", "1.0+deb13u1"), "-backports": stanza("a", "2")},
		req:  Request{Seeds: []string{"a"}},
		want: []string{"a=1.1"},
	}, {
		name:   "backports by seed",
		suites: map[string]string{"": stanza("a", "1"), "-backports": stanza("a", "2", "Depends: b (>= 2)") + stanza("b", "2")},
		req:    Request{Seeds: []string{"a/trixie-backports"}},
		want:   []string{"a=2", "b=2"},
	}, {
		name:   "backports only for what needs it",
		suites: map[string]string{"": stanza("a", "1", "Depends: b") + stanza("b", "1"), "-backports": stanza("b", "2")},
		req:    Request{Seeds: []string{"a"}},
		want:   []string{"a=1", "b=1"},
	}, {
		name:   "version by seed",
		suites: map[string]string{"": stanza("a", "1"), "-security": stanza("a", "2")},
		req:    Request{Seeds: []string{"a=1"}},
		want:   []string{"a=1"},
	}, {
		name:   "version chosen too early",
		suites: map[string]string{"": stanza("a", "1", "Depends: l, b") + stanza("b", "1", "Depends: l (<< 2)") + stanza("l", "1"), "-security": stanza("l", "2")},
		req:    Request{Seeds: []string{"a"}},
		want:   []string{"a=1", "b=1", "l=1"},
	}, {
		name:   "version chosen too early, for backports",
		suites: map[string]string{"": stanza("a", "1", "Depends: l") + stanza("l", "1"), "-backports": stanza("b", "2", "Depends: l (>= 2)") + stanza("l", "2")},
		req:    Request{Seeds: []string{"a", "b"}},
		want:   []string{"a=1", "b=2", "l=2"},
	}, {
		name:   "first alternative",
		suites: map[string]string{"": stanza("a", "1", "Depends: x | b | c") + stanza("b", "1") + stanza("c", "1")},
		req:    Request{Seeds: []string{"a"}},
		want:   []string{"a=1", "b=1"},
	}, {
		name:   "alternative that is chosen already",
		suites: map[string]string{"": stanza("a", "1", "Depends: b | c") + stanza("b", "1") + stanza("c", "1")},
		req:    Request{Seeds: []string{"a", "c"}},
		want:   []string{"a=1", "c=1"},
	}, {
		name:   "alternative by version",
		suites: map[string]string{"": stanza("a", "1", "Depends: b (>= 2) | c") + stanza("b", "1") + stanza("c", "1")},
		req:    Request{Seeds: []string{"a"}},
		want:   []string{"a=1", "c=1"},
	}, {
		name:   "virtual package by priority, then name",
		suites: map[string]string{"": stanza("a", "1", "Depends: v") + stanza("p", "1", "Provides: v") + stanza("q", "1", "Provides: v", "Priority: required") + stanza("r", "1", "Provides: v", "Priority: required")},
		req:    Request{Seeds: []string{"a"}},
		want:   []string{"a=1", "q=1"},
	}, {
		name:   "versioned provides",
		suites: map[string]string{"": stanza("a", "1", "Depends: v (>= 2)") + stanza("p", "9", "Provides: v (= 1)") + stanza("q", "9", "Provides: v") + stanza("r", "1", "Provides: v (= 2)")},
		req:    Request{Seeds: []string{"a"}},
		want:   []string{"a=1", "r=1"},
	}, {
		name:   "dead end of an alternative",
		suites: map[string]string{"": stanza("a", "1", "Depends: b | c") + stanza("b", "1", "Depends: missing") + stanza("c", "1")},
		req:    Request{Seeds: []string{"a"}},
		want:   []string{"a=1", "c=1"},
	}, {
		name:   "alternative in conflict",
		suites: map[string]string{"": stanza("a", "1", "Depends: b | c") + stanza("b", "1", "Conflicts: z") + stanza("c", "1") + stanza("z", "1")},
		req:    Request{Seeds: []string{"a", "z"}},
		want:   []string{"a=1", "c=1", "z=1"},
	}, {
		name:   "cycle",
		suites: map[string]string{"": stanza("a", "1", "Depends: b") + stanza("b", "1", "Depends: a (= 1)")},
		req:    Request{Seeds: []string{"a"}},
		want:   []string{"a=1", "b=1"},
	}, {
		name:   "conflict with what it provides itself, and with older versions",
		suites: map[string]string{"": stanza("a", "1", "Provides: v", "Conflicts: v", "Depends: b") + stanza("b", "2", "Breaks: a (<< 1)")},
		req:    Request{Seeds: []string{"a"}},
		want:   []string{"a=1", "b=2"},
	}, {
		name:   "architecture qualifiers",
		suites: map[string]string{"": stanza("a", "1", "Depends: b:any, c:native, d:i386 | e") + stanza("b", "1", "Multi-Arch: allowed") + stanza("c", "1") + stanza("d", "1") + stanza("e", "1")},
		req:    Request{Seeds: []string{"a"}},
		want:   []string{"a=1", "b=1", "c=1", "e=1"},
	}, {
		name: "essential",
		suites: map[string]string{"": stanza("bash", "1", "Essential: yes", "Pre-Depends: libc") + stanza("libc", "1") +
			stanza("apt", "1", "Priority: required", "Depends: gpg") + stanza("gpg", "1") + stanza("x", "1"),
			"-backports": stanza("new", "1", "Essential: yes")},
		req:  Request{Essential: true},
		want: []string{"apt=1", "bash=1!", "gpg=1", "libc=1!"},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := testIndex(t, tt.suites)
			for range 25 {
				res, err := x.Resolve(tt.req)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tt.want, chosen(res)); d != "" {
					t.Fatalf("packages (-want +got):\n%s", d)
				}
			}
		})
	}
}

func TestResolveErrors(t *testing.T) {
	tests := []struct {
		name, packages string
		seeds          []string
		want           []string // in the error or its hint
	}{
		{"unknown", stanza("golang-1.27-go", "1"), []string{"golang-1.27"}, []string{`no package "golang-1.27"`, "did you mean golang-1.27-go?"}},
		{"unknown version", stanza("a", "1"), []string{"a=2"}, []string{`no package "a" in version 2`, "there is 1 in trixie"}},
		{"unknown suite", stanza("a", "1"), []string{"a/trixie-backports"}, []string{"in suite trixie-backports", "there is 1 in trixie"}},
		{"malformed", stanza("a", "1"), []string{"a b"}, []string{`reading seed "a b"`, "not allowed"}},
		{"unmet, with chain", stanza("a", "1", "Depends: b") + stanza("b", "2", "Depends: libfoo (>= 3)") + stanza("libfoo", "1"),
			[]string{"a"}, []string{"a 1 → b 2 needs libfoo (>= 3): libfoo is there in version 1, from trixie"}},
		{"unmet, no such package", stanza("a", "1", "Depends: libfo0") + stanza("libfoo", "1"), []string{"a"}, []string{`there is no package "libfo0"`, "did you mean libfoo?"}},
		{"unmet, virtual without version", stanza("a", "1", "Depends: v (>= 1)") + stanza("b", "1", "Provides: v"), []string{"a"}, []string{"v is virtual"}},
		{"unmet, any of a package that does not allow it", stanza("a", "1", "Depends: b:any") + stanza("b", "1"), []string{"a"}, []string{"needs b:any"}},
		{"two versions", stanza("a", "1", "Depends: c (= 1)") + stanza("b", "1", "Depends: c (= 2)") + stanza("c", "1") + stanza("c", "2"),
			[]string{"a", "b"}, []string{"needs c", "is chosen in version"}},
		{"conflict", stanza("a", "1", "Conflicts: b (<< 3)") + stanza("b", "2"), []string{"a", "b"}, []string{"a (= 1) conflicts with b (= 2)", "it breaks b (<< 3)"}},
		{"conflict, the other way", stanza("a", "1") + stanza("b", "2", "Breaks: a"), []string{"a", "b"}, []string{"b (= 2) conflicts with a (= 1)"}},
		{"conflict by provides", stanza("a", "1", "Conflicts: mta", "Provides: mta") + stanza("b", "2", "Conflicts: mta", "Provides: mta"), []string{"a", "b"}, []string{"conflicts with"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := testIndex(t, map[string]string{"": tt.packages, "-backports": ""}).Resolve(Request{Seeds: tt.seeds})
			if err == nil {
				t.Fatal("got no error")
			}
			text := err.Error()
			var hinted interface{ Hint() string }
			if errors.As(err, &hinted) {
				text += "\n" + hinted.Hint()
			}
			for _, w := range tt.want {
				if !strings.Contains(text, w) {
					t.Errorf("got %q, want %q in it", text, w)
				}
			}
		})
	}
}

func TestVersions(t *testing.T) {
	x := testIndex(t, map[string]string{"": stanza("go", "1.24"), "-security": stanza("go", "1.24+deb13u1"), "-backports": stanza("go", "1.27") + stanza("only", "3")})
	var got []string
	for _, p := range x.Versions("go") {
		got = append(got, p.Version+" "+p.Archive+" "+p.Suite)
	}
	want := []string{"1.27 debian trixie-backports", "1.24+deb13u1 debian-security trixie-security", "1.24 debian trixie"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if p, ok := x.Lookup("go"); !ok || p.Version != "1.24+deb13u1" {
		t.Errorf("got %v %v, want the newest outside backports", p.Version, ok)
	}
	if p, ok := x.Lookup("only"); !ok || p.Version != "3" {
		t.Errorf("got %v %v, want the one in backports", p.Version, ok)
	}
	if _, ok := x.Lookup("none"); ok {
		t.Error("found a package that is not there")
	}
}
