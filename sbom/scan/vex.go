package scan

import (
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
)

// Statement is what somebody says of a vulnerability in an image.
type Statement struct {
	// Vulnerabilities are names of it; one is enough.
	Vulnerabilities []string `json:"-"`
	// Components are package URLs of what it is about, where those without a
	// version stand for all versions. With none it is about all components.
	Components []string `json:"-"`
	// Status is one of recipes.VEXStatuses.
	Status        string `json:"status"`
	Justification string `json:"justification,omitempty"`
	Reason        string `json:"reason,omitempty"`
	// Date is when it was made and Expires the last day on which it holds, as
	// YYYY-MM-DD; an empty one is never.
	Date    string `json:"date,omitempty"`
	Expires string `json:"expires,omitempty"`
	// From is where it stands.
	From string `json:"from"`
	// Expired is whether it holds no more, and so leaves the finding as it is.
	Expired bool `json:"expired,omitempty"`
	// Stack is how the service reaches vulnerable code, its own function
	// first, where that was found out.
	Stack []string `json:"stack,omitempty"`
}

// Apply suppresses the findings that one of the statements says do not
// affect the image, or are fixed in it. Of several about a finding the latest
// decides, and of those of one date the last. Today is YYYY-MM-DD.
func (r *Result) Apply(statements []Statement, today string) {
	list := slices.Clone(statements)
	slices.SortStableFunc(list, func(a, b Statement) int { return strings.Compare(a.Date, b.Date) })
	for i := range r.Findings {
		r.Findings[i].apply(list, today)
	}
}

func (f *Finding) apply(list []Statement, today string) {
	var decides *Statement
	for _, s := range list {
		if !s.about(f) {
			continue
		}
		s.Expired = s.Expires != "" && s.Expires < today
		f.Statements = append(f.Statements, s)
		if !s.Expired {
			decides = &s
		}
	}
	if decides == nil || decides.Status != recipes.VEXNotAffected && decides.Status != recipes.VEXFixed {
		return
	}
	f.Suppressed = decides
}

func (s *Statement) about(f *Finding) bool {
	names := f.Names()
	if !slices.ContainsFunc(s.Vulnerabilities, func(v string) bool { return slices.Contains(names, v) }) {
		return false
	}
	return len(s.Components) == 0 || slices.ContainsFunc(s.Components, f.Component.is)
}

// is whether the package URL stands for the component.
func (c Component) is(purl string) bool {
	p, err := packageurl.FromString(purl)
	if err != nil {
		return false
	}
	if slices.ContainsFunc(c.PURLs, func(have string) bool { return standsFor(c.Ecosystem, p, have) }) {
		return true
	}
	// Advisories are about Debian's source packages; so may statements be.
	number, debian := strings.CutPrefix(c.Ecosystem, "Debian:")
	q := packageurl.QualifiersFromMap(map[string]string{"arch": "source", "distro": "debian-" + number})
	source := packageurl.NewPackageURL(packageurl.TypeDebian, "debian", c.Name, c.Version, q, "")
	return debian && standsFor(c.Ecosystem, p, source.ToString())
}

// standsFor is whether p is the package that the URL names, or is it without
// its version or some of its qualifiers.
func standsFor(ecosystem string, p packageurl.PackageURL, url string) bool {
	have, err := packageurl.FromString(url)
	if err != nil || p.Type != have.Type || p.Version != "" && p.Version != have.Version {
		return false
	}
	full := func(u packageurl.PackageURL) string { return osv.Key(ecosystem, u.Namespace+"/"+u.Name) }
	if full(p) != full(have) {
		return false
	}
	given := have.Qualifiers.Map()
	for k, v := range p.Qualifiers.Map() {
		if given[k] != v {
			return false
		}
	}
	return true
}
