package archive

import (
	"cmp"
	"os/exec"
	"strings"
	"testing"
)

var sortedVersions = []string{
	"~~", "~~a", "~", "0~rc1-1", "0", "0.0.1-1", "0.1", "0.1+", "0.2", "1.0~beta1~svn1245", "1.0~beta1", "1.0",
	"1.0-1~bpo12+1", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0-10", "1.0a", "1.0+dfsg", "1.0.0", "1.2.3", "1.10",
	"18446744073709551616", "18446744073709551617", "1:0.1", "1:1", "2:0", "10:0",
}

func TestCompareVersions(t *testing.T) {
	for i, a := range sortedVersions {
		for j, b := range sortedVersions {
			if got, want := CompareVersions(a, b), cmp.Compare(i, j); got != want {
				t.Errorf("CompareVersions(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]string{{"0:1", "1"}, {"1-0", "1"}, {"1.00", "1.0"}, {"1.0-", "1.0"}, {"01", "1"}} {
		if got := CompareVersions(same[0], same[1]); got != 0 {
			t.Errorf("CompareVersions(%q, %q) = %d, want 0", same[0], same[1], got)
		}
	}
}

// dpkgCompare asks dpkg, which has the last word.
func dpkgCompare(t testing.TB, dpkg, a, b string) int {
	t.Helper()
	is := func(op string) bool { return exec.Command(dpkg, "--compare-versions", a, op, b).Run() == nil } //nolint:gosec // a command of the test itself
	switch {
	case is("lt"):
		return -1
	case is("gt"):
		return 1
	}
	return 0
}

func TestCompareVersionsAsDpkg(t *testing.T) {
	dpkg, err := exec.LookPath("dpkg")
	if err != nil {
		t.Skip("no dpkg on this machine to compare with")
	}
	versions := append([]string{"1a", "1+", "1.", "1..", "1-a", "1a-", "1:1-1", "2.0~", "2.0~~", "2.0~a", "1.2-a+b~c", "1.2z", "1.2Z", "1.2.a", "1-2-3", "1-2-10"}, sortedVersions...)
	for i, a := range versions {
		b := versions[(i*7+3)%len(versions)]
		if checkVersion(a) != nil || checkVersion(b) != nil {
			continue
		}
		if got, want := CompareVersions(a, b), dpkgCompare(t, dpkg, a, b); got != want {
			t.Errorf("CompareVersions(%q, %q) = %d, dpkg says %d", a, b, got, want)
		}
	}
}

func FuzzCompareVersions(f *testing.F) {
	for i, a := range sortedVersions {
		f.Add(a, sortedVersions[(i+1)%len(sortedVersions)], "1")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, ba := CompareVersions(a, b), CompareVersions(b, a)
		if ab != -ba || CompareVersions(a, a) != 0 {
			t.Errorf("%q, %q: %d and %d", a, b, ab, ba)
		}
		if ab <= 0 && CompareVersions(b, c) <= 0 && CompareVersions(a, c) > 0 {
			t.Errorf("%q <= %q <= %q, but not %[1]q <= %[3]q", a, b, c)
		}
	})
}

func TestCheckVersion(t *testing.T) {
	for v, ok := range map[string]bool{
		"1": true, "1:2.3~4-5+b6": true, "2.0-1-1": true, "": false, ":1": false, "a:1": false, "1:": false,
		"1-": false, "-1": false, "1 2": false, "1/2": false, "1\n": false,
	} {
		if err := checkVersion(v); (err == nil) != ok {
			t.Errorf("checkVersion(%q) = %v, want ok %v", v, err, ok)
		}
	}
}

func TestParseRelations(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"a":                                 "a",
		"a, b | c":                          "a; b | c",
		"a (>= 1:2-3) , b(<<4)|c:any (= 5)": "a (>= 1:2-3); b (<< 4) | c:any (= 5)",
		"a (< 1), a (> 2), a (<= 3),":       "a (<= 1); a (>= 2); a (<= 3)",
		"x:linux-any":                       "x:linux-any",
		"a (>= )":                           "error",
		"a (1)":                             "error",
		"a (>= 1":                           "error",
		"a (>= 1) b":                        "error",
		"a b":                               "error",
		"a |":                               "error",
		"a [amd64]":                         "error",
		"../a":                              "error",
	} {
		clauses, err := parseRelations(in)
		parts := make([]string, len(clauses))
		for i, c := range clauses {
			parts[i] = c.String()
		}
		got := strings.Join(parts, "; ")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("parseRelations(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

// What was parsed and printed is the same when parsed again.
func FuzzParseRelations(f *testing.F) {
	for _, s := range []string{"a", "a (>= 1:2-3) , b(<<4)|c:any (= 5)", "a |", "a (>= 1) b,,", "debconf (>= 0.5) | debconf-2.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clauses, err := parseRelations(s)
		if err != nil {
			return
		}
		for _, c := range clauses {
			again, err := parseRelations(c.String())
			if err != nil || len(again) != 1 || again[0].String() != c.String() {
				t.Errorf("%q of %q parses as %v, %v", c, s, again, err)
			}
		}
	})
}
