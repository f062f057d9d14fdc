package sbom

import (
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// purl is a package URL (package-url specification, PURL-SPECIFICATION.rst).
type purl struct {
	Type string
	// Namespace holds the elements before the name, separated by slashes.
	Namespace, Name, Version string
	// Qualifiers without a value are left out.
	Qualifiers map[string]string
}

// String is the canonical form: qualifiers sorted, everything but letters,
// digits, ".-_~" and colons percent-encoded, and slashes kept as separators.
func (p purl) String() string {
	var b strings.Builder
	b.WriteString("pkg:" + p.Type + "/")
	if p.Namespace != "" {
		b.WriteString(encodePath(p.Namespace) + "/")
	}
	b.WriteString(percentEncode(p.Name))
	if p.Version != "" {
		b.WriteString("@" + percentEncode(p.Version))
	}
	sep := "?"
	for _, k := range sortedKeys(p.Qualifiers) {
		if v := p.Qualifiers[k]; v != "" {
			b.WriteString(sep + k + "=" + encodePath(v))
			sep = "&"
		}
	}
	return b.String()
}

func encodePath(s string) string {
	parts := strings.Split(s, "/")
	for i := range parts {
		parts[i] = percentEncode(parts[i])
	}
	return strings.Join(parts, "/")
}

func percentEncode(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; isAlphanumeric(c) || strings.IndexByte(".-_~:", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// splitName parts a slash-separated name into what comes before the last
// element and the last element.
func splitName(s string) (namespace, name string) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return "", s
	}
	return s[:i], s[i+1:]
}

// golangPurl is the package URL of a module. The type's definition wants it
// in lower case; the package's name keeps the module path as it is.
func golangPurl(module, version string) purl {
	ns, name := splitName(strings.ToLower(module))
	return purl{Type: "golang", Namespace: ns, Name: name, Version: version}
}

// ref is the external reference of a package to its package URL (SPDX 2.3,
// annex F.3.5).
func (p purl) ref() []*v2_3.PackageExternalReference {
	return []*v2_3.PackageExternalReference{{
		Category: common.CategoryPackageManager,
		RefType:  common.TypePackageManagerPURL,
		Locator:  p.String(),
	}}
}

// purlOf is the first package URL of p, or empty.
func purlOf(p *v2_3.Package) string {
	for _, r := range p.PackageExternalReferences {
		if r.RefType == common.TypePackageManagerPURL {
			return r.Locator
		}
	}
	return ""
}
