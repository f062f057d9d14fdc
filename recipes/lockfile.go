package recipes

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// lockHeader is the first line of every lock.
const lockHeader = "# Written by `kiln lock`; not by hand. Commit it beside the recipe.\n"

// LockPath is where the lock of r is: beside its file, with the extension
// .lock, and for a variant with its name before that.
func (r *Recipe) LockPath() string {
	base := strings.TrimSuffix(r.File, filepath.Ext(r.File))
	if r.Variant != "" {
		base += "." + r.Variant
	}
	return base + ".lock"
}

// Title is what r is called: its name, and for a variant that one's behind it.
func (r *Recipe) Title() string { return strings.TrimSpace(r.Name + " " + r.Variant) }

// Tag is the image's tag: the version, and for a variant its name behind it.
func (r *Recipe) Tag() string { return r.Tagged(r.Version) }

// Tagged is a further tag for the image of r, as it is for a variant.
func (r *Recipe) Tagged(tag string) string {
	if r.Variant != "" {
		tag += "-" + r.Variant
	}
	return tag
}

// ReadLock reads and checks the lock in file. It takes the lock for hostile:
// whatever passes has digests that are digests, and paths that lead nowhere
// out of their folder. Mistakes are an [*Errors]; a lock that is not there is
// an error for which errors.Is(err, fs.ErrNotExist) is true.
func ReadLock(file string) (*Lock, error) {
	raw, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading lock: %w", err)
	}
	return ParseLock(file, raw)
}

// ParseLock is [ReadLock] for a lock that has been read. The file is only
// named in messages.
func ParseLock(file string, raw []byte) (*Lock, error) {
	d := newDecoder(file)
	root := parseYAML(&d.problems, raw)
	if root == nil {
		return nil, d.err()
	}
	l := &Lock{}
	d.value(root, reflect.ValueOf(l).Elem(), "", nil)
	checkLock(&checker{decoder: d}, l)
	if err := d.err(); err != nil {
		return nil, err
	}
	return l, nil
}

// Marshal is the lock as YAML, with a line for each input, file and package.
// Equal locks give equal bytes.
func (l *Lock) Marshal() ([]byte, error) {
	var root yaml.Node
	if err := root.Encode(l); err != nil {
		return nil, fmt.Errorf("writing lock: %w", err)
	}
	flowLeaves(&root, 0)
	var b bytes.Buffer
	b.WriteString(lockHeader)
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(&root); err != nil {
		return nil, fmt.Errorf("writing lock: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("writing lock: %w", err)
	}
	return b.Bytes(), nil
}

// flowLeaves puts each mapping below the root that holds only scalars in one
// line.
func flowLeaves(n *yaml.Node, depth int) {
	for _, c := range n.Content {
		flowLeaves(c, depth+1)
	}
	leaf := !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Kind != yaml.ScalarNode })
	if n.Kind == yaml.MappingNode && leaf && depth > 0 {
		n.Style = yaml.FlowStyle
	}
}

// Digest is the sha256 of the marshalled lock, as hex.
func (l *Lock) Digest() (string, error) {
	raw, err := l.Marshal()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}
