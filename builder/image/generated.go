package image

import (
	"path"
	"strings"

	"github.com/kiln-build/kiln/builder/keystore"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// generated is what the maintainer scripts of a base's packages would have
// made: for a Java runtime the links of update-alternatives, and the
// authorities in the form that Java reads.
func generated(loaded []*packageFiles, newest int64) []layer.Entry {
	home := javaHome(loaded)
	if home == "" {
		return nil
	}
	entries := []layer.Entry{
		linkEntry("/usr/bin/java", path.Join("..", strings.TrimPrefix(home, "/usr/"), "bin/java"), newest),
		linkEntry("/usr/lib/jvm/default-java", path.Base(home), newest),
	}
	for _, p := range loaded {
		if len(p.certificates) > 0 {
			entries = append(entries, fileEntry("/etc/ssl/certs/java/cacerts", keystore.Java(p.certificates), newest, recipes.OwnerBase))
		}
	}
	return entries
}

// javaHome is the folder of the first Java runtime among the packages.
func javaHome(loaded []*packageFiles) string {
	for _, p := range loaded {
		for _, e := range p.entries {
			if ok, _ := path.Match("/usr/lib/jvm/*/bin/java", e.Path); ok { // the pattern is sound
				return path.Dir(path.Dir(e.Path))
			}
		}
	}
	return ""
}
