package language

import (
	"fmt"
	"math"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagejson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
)

// newFinder sets the extractors up as they are by default, but for their bounds
// on the size of files: what is larger they would pass over in silence.
func newFinder(open func(path string) (File, error)) (*finder, error) {
	f := &finder{open: open, extractors: map[string]filesystem.Extractor{}}
	for ecosystem, make := range map[string]func(*cpb.PluginConfig) (filesystem.Extractor, error){
		npm: packagejson.New, pypi: wheelegg.New, maven: archive.New,
	} {
		e, err := make(&cpb.PluginConfig{MaxFileSizeBytes: math.MaxInt64})
		if err != nil {
			return nil, fmt.Errorf("setting up %s: %w", ecosystem, err)
		}
		f.extractors[ecosystem] = e
	}
	return f, nil
}
