package lint

import (
	"fmt"

	"github.com/kiln-build/kiln/recipes"
)

// Catalog finds what is not good about recipes together, each of which is good
// alone.
func Catalog(catalog *recipes.Catalog) []Finding {
	var found []Finding
	taken := map[string]*recipes.Recipe{}
	for _, e := range catalog.Entries {
		for _, r := range e.All() {
			c := &checker{Input: Input{Recipe: r}, file: r.File}
			for _, tag := range catalog.Config.Catalog.TagsOf(r, &recipes.Lock{}) {
				image := catalog.Config.Catalog.RepositoryOf(r.Name) + ":" + tag
				if other := taken[image]; other != nil {
					c.add(RuleSameTag, r.Pos("name"), fmt.Sprintf("%s is the tag of %s as well", image, other.File))
					break
				}
				taken[image] = r
			}
			found = append(found, c.found...)
		}
	}
	return found
}
