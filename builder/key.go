package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/source"
	"github.com/kiln-build/kiln/recipes"
)

// Format changes when the same recipe and lock plan another build.
const Format = "5"

// Trees are the digests of a recipe's local sources, by the source's index.
type Trees map[int]string

// LocalTrees hashes the local sources of a recipe.
func LocalTrees(ctx context.Context, r *recipes.Recipe) (Trees, error) {
	trees := Trees{}
	for i, s := range r.Sources {
		if s.Local == nil {
			continue
		}
		digest, err := source.LocalDigest(ctx, *s.Local, filepath.Dir(r.File))
		if err != nil {
			return nil, placed(r, s.Pos, err)
		}
		trees[i] = digest
	}
	return trees, nil
}

// Key is the build key: a hash, in hex, over all that decides what the image
// for the platform is. Two builds with one key make the same image.
func Key(r *recipes.Recipe, l *recipes.Lock, trees Trees, platform string) (string, error) {
	lock, err := json.Marshal(l) // in a tenth of the time that YAML takes
	if err != nil {
		return "", fmt.Errorf("hashing the lock: %w", err)
	}
	h := sha256.New()
	field := func(name string, b []byte) { fmt.Fprintf(h, "%s %d\n%s\n", name, len(b), b) }
	field("format", []byte(Format+"/"+image.Format))
	field("platform", []byte(platform))
	field("recipe", r.Essence())
	if r.Variant != "" {
		field("variant", []byte(r.Variant))
	}
	field("lock", lock)
	for i := range r.Sources {
		if tree, ok := trees[i]; ok {
			field(fmt.Sprintf("source %d", i), []byte(tree))
		}
	}
	for i, t := range r.Tests {
		if t.StructureTest != "" {
			field(fmt.Sprintf("structure test %d", i), t.StructureText)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// IndexKey is the build key of an index over the images with the given build
// keys. One image has no index, and its key is that of the whole.
func IndexKey(keys []string) string {
	if len(keys) == 1 {
		return keys[0]
	}
	h := sha256.New()
	fmt.Fprintf(h, "index %d\n%s\n", len(keys), strings.Join(keys, "\n"))
	return hex.EncodeToString(h.Sum(nil))
}
