package osv

import (
	"regexp"
	"strings"
)

var separators = regexp.MustCompile(`[-_.]+`)

// Key is the package's name in the one spelling that names of the ecosystem
// are compared in. Package URLs have Go's module paths in lower case; Python's
// names are the same in all spellings of PEP 503.
func Key(ecosystem, name string) string {
	switch base(ecosystem) {
	case "Go":
		return strings.ToLower(name)
	case "PyPI":
		return separators.ReplaceAllString(strings.ToLower(name), "-")
	}
	return name
}

// base is the ecosystem without its release.
func base(ecosystem string) string {
	b, _, _ := strings.Cut(ecosystem, ":")
	return b
}

// covers is whether what is said about the ecosystem given is about that one.
// A name without release stands for all of them.
func covers(given, ecosystem string) bool {
	return given == ecosystem || given == base(ecosystem)
}
