package sbom

import "strings"

// component returns the expression for what the metadata of a component states
// as its license, and a comment where that is not an expression itself.
func (l *licenses) component(stated string) (expression, comment string) {
	stated = strings.Join(strings.Fields(stated), " ")
	if stated == "" {
		return noAssertion, ""
	}
	if expression, ok := l.declared(stated); ok {
		return expression, ""
	}
	comment = "Its metadata states: " + stated
	for _, operator := range []string{" OR ", " AND "} {
		var ids []string
		for part := range strings.SplitSeq(stated, operator) {
			id := l.named(part)
			if id == "" {
				ids = nil
				break
			}
			ids = appendNew(ids, id)
		}
		if ids != nil {
			return strings.Join(ids, operator), comment
		}
	}
	return noAssertion, comment
}

// named is the listed identifier of a license that projects call by another
// name, empty where there is none. A name of several licenses ("BSD", "GPL")
// has none.
func (l *licenses) named(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if strings.HasPrefix(name, "(") && strings.HasSuffix(name, ")") {
		name = name[1 : len(name)-1]
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "the "), " license")
	if id := l.canonical[name]; id != "" {
		return id
	}
	return usualName(name)
}

// usualName is the identifier of a license that many projects call so, in
// lower case and without "license" at the end.
func usualName(name string) string {
	switch name {
	case "mit/x11", "x11/mit", "expat":
		return "MIT"
	case "apache 2", "apache2", "apache-2", "apache 2.0", "asl 2.0", "apache license 2.0", "apache license, 2.0", "apache license v2.0",
		"apache license version 2.0", "apache license, version 2.0", "apache software license, version 2.0", "apache, version 2.0":
		return "Apache-2.0"
	case "isc license (iscl)":
		return "ISC"
	case "new bsd", "modified bsd", "revised bsd", "bsd new", "bsd-3", "bsd 3-clause", "3-clause bsd",
		"eclipse distribution license - v 1.0", "edl 1.0":
		return "BSD-3-Clause"
	case "simplified bsd", "freebsd", "bsd-2", "bsd 2-clause", "2-clause bsd":
		return "BSD-2-Clause"
	case "eclipse public license - v 1.0", "eclipse public license 1.0", "eclipse public license v1.0", "epl 1.0":
		return "EPL-1.0"
	case "eclipse public license - v 2.0", "eclipse public license 2.0", "eclipse public license v2.0", "epl 2.0":
		return "EPL-2.0"
	case "mozilla public license 2.0 (mpl 2.0)", "mozilla public license 2.0", "mozilla public license, version 2.0", "mpl 2.0":
		return "MPL-2.0"
	case "gnu lesser general public license v2.1", "gnu lesser general public license, version 2.1":
		return "LGPL-2.1-only"
	case "gnu general public license v2 (gplv2)":
		return "GPL-2.0-only"
	case "gnu general public license v3 (gplv3)":
		return "GPL-3.0-only"
	case "gnu general public license v3 or later (gplv3+)":
		return "GPL-3.0-or-later"
	case "python software foundation", "psf":
		return "PSF-2.0"
	case "unlicense (unlicense)":
		return "Unlicense"
	case "cc0 1.0 universal (cc0 1.0) public domain dedication":
		return "CC0-1.0"
	}
	return ""
}
