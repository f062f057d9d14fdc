package sbom

import (
	"path"

	"github.com/spdx/tools-golang/spdx/v2/common"

	"github.com/kiln-build/kiln/sbom/language"
)

// keeper tells which component a file of the service belongs to.
type keeper struct {
	found []language.Component
	// byFile and byDir are the packages of files and of folders.
	byFile, byDir map[string]common.ElementID
}

func newKeeper(found []language.Component) *keeper {
	return &keeper{found, map[string]common.ElementID{}, map[string]common.ElementID{}}
}

// give notes that the files of the component found at i are a package's.
func (k *keeper) give(i int, id common.ElementID) {
	c := k.found[i]
	if c.Dir != "" {
		k.byDir[c.Dir] = id
	}
	for _, f := range c.Files {
		k.byFile[f] = id
	}
	if !c.Inside {
		k.byFile[c.Path] = id
	}
}

// of is the package that a file belongs to: the one that lists it, else that
// of the innermost folder.
func (k *keeper) of(file string) (common.ElementID, bool) {
	if id, ok := k.byFile[file]; ok {
		return id, true
	}
	for dir := path.Dir(file); dir != "/"; dir = path.Dir(dir) {
		if id, ok := k.byDir[dir]; ok {
			return id, true
		}
	}
	return "", false
}
