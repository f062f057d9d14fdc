package sbom

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSynopsis(t *testing.T) {
	tests := map[string]string{
		"Expat":                             "MIT",
		"GPL-2":                             "GPL-2.0-only",
		"GPL-2.0":                           "GPL-2.0-only",
		"GPL-2+":                            "GPL-2.0-or-later",
		"GPLv3+":                            "GPL-3.0-or-later",
		"LGPLv2.1+":                         "LGPL-2.1-or-later",
		"LGPL-3.0-or-later":                 "LGPL-3.0-or-later",
		"AGPL-3":                            "AGPL-3.0-only",
		"GFDL-NIV-1.3+":                     "GFDL-1.3-no-invariants-or-later",
		"bsd-3-clause":                      "BSD-3-Clause",
		"ZLIB":                              "Zlib",
		"Artistic or GPL-1+":                "Artistic-1.0-Perl OR GPL-1.0-or-later",
		"GPL-1+ or Artistic, and Expat":     "(Artistic-1.0-Perl OR GPL-1.0-or-later) AND MIT",
		"Expat, ISC or Zlib":                "ISC OR MIT OR Zlib",
		"Expat, ISC and Zlib":               "MIT AND ISC AND Zlib",
		"Expat and/or ISC":                  "ISC OR MIT",
		"Expat and ISC or Zlib":             "MIT AND ISC OR Zlib",
		"LGPLv3+_or_GPLv2+":                 "GPL-2.0-or-later OR LGPL-3.0-or-later",
		"Perl":                              "Artistic-1.0-Perl OR GPL-1.0-or-later",
		"Perl and Expat":                    "(Artistic-1.0-Perl OR GPL-1.0-or-later) AND MIT",
		"GPL-2+ with Libtool exception":     "GPL-2.0-or-later WITH Libtool-exception",
		"GPL-3+ with autoconf exception":    "GPL-3.0-or-later WITH Autoconf-exception-generic-3.0",
		"GPL-3+-WITH-BISON-EXCEPTION":       "GPL-3.0-or-later WITH Bison-exception-2.2",
		"Apache-2.0 with LLVM exceptions":   "Apache-2.0 WITH LLVM-exception",
		"GPL-2+ with OpenSSL exception":     "[GPL-2+ with OpenSSL exception]",
		"GPL":                               "[GPL]",
		"public-domain":                     "[public-domain]",
		"BSD-3-clause-with-weird-numbering": "[BSD-3-clause-with-weird-numbering]",
		"Expat and Expat":                   "MIT",
	}
	l := newLicenses()
	for synopsis, want := range tests {
		got := l.render(parseLicense(synopsis), alone, func(atom string) string { return "[" + atom + "]" })
		if got != want {
			t.Errorf("%q: got %q, want %q", synopsis, got, want)
		}
	}
}

// TestCopyrightFiles reads copyright files of real packages.
func TestCopyrightFiles(t *testing.T) {
	want := map[string]string{
		"libssl3": "Apache-2.0 AND (Artistic-1.0-Perl OR GPL-1.0-or-later)",
		"zlib1g":  "Zlib",
		"tzdata":  "LicenseRef-tzdata-public-domain",
		"libpcre2-8-0": "LicenseRef-libpcre2-8-0-BSD-3-clause-Cambridge-with-BINARY-LIBRARY-LIKE-PACKAGES-exc AND " +
			"BSD-3-Clause AND X11 AND BSD-2-Clause AND LicenseRef-libpcre2-8-0-public-domain",
		"libjemalloc2": "BSD-2-Clause AND LicenseRef-libjemalloc2-BSD-2-Clause-Chemeris AND " +
			"LicenseRef-libjemalloc2-BSD-3-Clause-Google AND MIT AND LicenseRef-libjemalloc2-BSD-3-Clause-Hiroshima-University",
		"base-files":  "LicenseRef-base-files-copyright",
		"liblua5.1-0": "LicenseRef-liblua5.1-0-copyright",
	}
	got, l := map[string]string{}, newLicenses()
	files, err := filepath.Glob("testdata/copyright/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := filepath.Base(f)
		got[name], _ = l.debian(name, copyrightText(t, name))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("expressions differ (-want +got):\n%s", diff)
	}
	if text := l.others["LicenseRef-tzdata-public-domain"].ExtractedText; text != "This database is in the public domain." {
		t.Errorf("got text %q of tzdata's license", text)
	}
	if text := l.others["LicenseRef-liblua5.1-0-copyright"].ExtractedText; text != copyrightText(t, "liblua5.1-0") {
		t.Errorf("text of a free-form copyright file is not the whole file")
	}
}

func TestNotices(t *testing.T) {
	tests := map[string]string{
		"base-files": "Copyright (C) 1995-2011 Software in the Public Interest.",
		"tzdata":     "The Internet Assigned Numbers Authority (IANA)",
	}
	for name, want := range tests {
		if _, got := newLicenses().debian(name, copyrightText(t, name)); got != want {
			t.Errorf("%s: got notices %q, want %q", name, got, want)
		}
	}
}

func TestReferKeepsTextsApart(t *testing.T) {
	l := newLicenses()
	first, same, other := l.refer("src", "PD", "one"), l.refer("src", "PD", "one"), l.refer("src", "PD", "two")
	if first != "LicenseRef-src-PD" || same != first || other == first {
		t.Errorf("got %q, %q, %q", first, same, other)
	}
	if again := l.refer("src", "PD", "two"); again != other || len(l.others) != 2 {
		t.Errorf("got %q and %d texts, want %q and 2", again, len(l.others), other)
	}
}

func TestDeclared(t *testing.T) {
	tests := []struct {
		in, want string
		ok       bool
	}{
		{"", "NOASSERTION", true},
		{"apache-2.0", "Apache-2.0", true},
		{"(mit or Apache-2.0) and ISC", "(MIT OR Apache-2.0) AND ISC", true},
		{"GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", true},
		{"EPL-1.0+", "EPL-1.0+", true},
		{"MIT Apache-2.0", "NOASSERTION", false},
		{"MIT AND", "NOASSERTION", false},
		{"(MIT", "NOASSERTION", false},
		{"Proprietary", "NOASSERTION", false},
	}
	for _, tt := range tests {
		if got, ok := newLicenses().declared(tt.in); got != tt.want || ok != tt.ok {
			t.Errorf("declared(%q) = %q, %v, want %q, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

// FuzzCopyright checks that what comes out of any copyright file is an SPDX
// expression, and that each license it refers to has a text.
func FuzzCopyright(f *testing.F) {
	files, err := filepath.Glob("testdata/copyright/*")
	if err != nil || len(files) == 0 {
		f.Fatal("no copyright files", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add("Format: copyright-format/1.0\n\nFiles: *\nLicense: , or and\n and\n")
	f.Fuzz(func(t *testing.T, text string) {
		l := newLicenses()
		expression, _ := l.debian("src", text)
		for _, w := range strings.FieldsFunc(expression, func(r rune) bool { return strings.ContainsRune(" ()", r) }) {
			if o := l.others[w]; strings.HasPrefix(w, "LicenseRef-") && (o == nil || o.ExtractedText == "") {
				t.Errorf("%s has no text", w)
			}
		}
		if expression == noAssertion {
			return
		}
		for ref := range l.others {
			l.canonical[strings.ToLower(ref)] = ref
		}
		if _, ok := l.declared(expression); !ok {
			t.Errorf("%q is not an expression", expression)
		}
	})
}
