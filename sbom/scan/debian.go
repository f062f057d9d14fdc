package scan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
)

// OfInstalled is the inventory of an image of whose content nothing is known but
// the Debian packages, of the release with this codename.
func OfInstalled(list []recipes.Package, codename string) Inventory {
	var in Inventory
	for _, p := range list {
		p.Suite = codename
		in.add(sbom.DebianPURL(p))
	}
	in.sort()
	return in
}

// Debian are the binary packages of Debian that the inventory's package URLs
// name, by name, version and architecture.
func (in Inventory) Debian() []recipes.Package {
	var list []recipes.Package
	for _, c := range in.Components {
		for _, text := range c.PURLs {
			p, err := packageurl.FromString(text)
			arch := p.Qualifiers.Map()["arch"]
			if err != nil || p.Type != packageurl.TypeDebian || p.Namespace != "debian" || arch == "" || arch == "source" {
				continue
			}
			list = append(list, recipes.Package{Name: p.Name, Version: p.Version, Architecture: arch})
		}
	}
	slices.SortFunc(list, func(a, b recipes.Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Architecture, b.Architecture), strings.Compare(a.Version, b.Version))
	})
	return slices.Compact(list)
}
