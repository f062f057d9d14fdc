package sbom

import (
	"regexp"
	"strings"
)

// shortNames are the names that Debian's copyright files use for licenses
// which SPDX lists under another, in lower case. A name that means different
// texts in different packages ("BSD", "GPL", "public-domain") is not here:
// then the text itself is part of the document.
func shortName(lower string) string {
	switch lower {
	case "expat", "mit/expat", "mit-expat":
		return "MIT"
	case "artistic", "artistic-1", "artistic-1.0":
		// Debian's common license of this name is the one of Perl.
		return "Artistic-1.0-Perl"
	case "artistic-2":
		return "Artistic-2.0"
	case "apache-2", "asl-2", "asl-2.0":
		return "Apache-2.0"
	case "apache-1":
		return "Apache-1.0"
	case "mpl-1":
		return "MPL-1.0"
	case "mpl-2":
		return "MPL-2.0"
	case "bsd-2", "bsd-2-clauses":
		return "BSD-2-Clause"
	case "bsd-3", "bsd-3-clauses":
		return "BSD-3-Clause"
	case "bsd-0-clause":
		return "0BSD"
	case "cc0", "cc0-1":
		return "CC0-1.0"
	case "boost", "boost-1.0", "bsl-1":
		return "BSL-1.0"
	case "psf-2", "psfl-2", "psf-2.0":
		return "PSF-2.0"
	case "python-2":
		return "Python-2.0"
	case "ofl-1.1", "sil-1.1", "sil-ofl-1.1":
		return "OFL-1.1"
	case "openldap-2.8":
		return "OLDAP-2.8"
	case "zlib/libpng":
		return "Zlib"
	case "freetype", "ftl":
		return "FTL"
	case "w3c-software":
		return "W3C"
	}
	return ""
}

// perlTerms are what "the same terms as Perl itself" stand for.
const perlTerms = "Artistic-1.0-Perl OR GPL-1.0-or-later"

var (
	gnu  = regexp.MustCompile(`^(agpl|lgpl|gpl|gfdl)(-niv)?[-\s]?v?([1-3](?:\.[0-9])?)(?:\.0)?(\+|-only|-or-later)?$`)
	with = regexp.MustCompile(`(?i)^(\S+?)(?:\s+with\s+|-with-)(?:the\s+)?(.+?)[\s-]+exceptions?$`)
)

// listed is the SPDX expression for a short name of a copyright file, empty
// where there is none.
func (l *licenses) listed(name string, at position) string {
	if id := l.listedID(name); id != "" {
		return id
	}
	if strings.EqualFold(name, "perl") {
		if at == termOf {
			return "(" + perlTerms + ")"
		}
		return perlTerms
	}
	m := with.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	id := l.listedID(m[1])
	exception := exceptionOf(strings.ToLower(m[2]), strings.HasPrefix(id, "GPL-3"))
	if id == "" || exception == "" {
		return ""
	}
	return id + " WITH " + exception
}

func (l *licenses) listedID(name string) string {
	lower := strings.ToLower(name)
	if id := gnuID(lower); id != "" {
		return l.canonical[strings.ToLower(id)]
	}
	if id := shortName(lower); id != "" {
		return id
	}
	return l.canonical[lower]
}

// gnuID writes the name of a GNU license, whose version Debian gives with as
// few digits as it has, as SPDX does.
func gnuID(lower string) string {
	m := gnu.FindStringSubmatch(lower)
	if m == nil {
		return ""
	}
	kind, version, later := m[1], m[3], m[4]
	if !strings.Contains(version, ".") {
		version += ".0"
	}
	id := kind + "-" + version
	if m[2] != "" {
		id += "-no-invariants"
	}
	if later == "+" || later == "-or-later" {
		return id + "-or-later"
	}
	return id + "-only"
}

// exceptionOf is the SPDX identifier of an exception to a license.
func exceptionOf(lower string, toGPL3 bool) string {
	switch lower {
	case "autoconf":
		if toGPL3 {
			return "Autoconf-exception-generic-3.0"
		}
		return "Autoconf-exception-generic"
	case "bison":
		return "Bison-exception-2.2"
	case "classpath":
		return "Classpath-exception-2.0"
	case "font":
		return "Font-exception-2.0"
	case "gcc", "gcc runtime library", "gcc-runtime-library", "gcc-runtime":
		if toGPL3 {
			return "GCC-exception-3.1"
		}
		return "GCC-exception-2.0"
	case "libtool":
		return "Libtool-exception"
	case "linux-syscall-note", "linux syscall note":
		return "Linux-syscall-note"
	case "llvm":
		return "LLVM-exception"
	}
	return ""
}
