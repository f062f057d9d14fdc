package language

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

const npm = "npm"

// ErrNameless is of metadata that can be read and says less than a name and a
// version.
var ErrNameless = errors.New("it has no name and version")

// npm reads a package.json. One that stands in a package for other purposes,
// such as to tell the kind of its modules, has no name or no version.
func (f *finder) npm(ctx context.Context, file recipes.File, r *io.SectionReader) ([]Component, error) {
	found, err := f.extract(ctx, npm, file, r)
	if err != nil || len(found) == 0 {
		if !isInstalled(file.Path) {
			return nil, nil
		}
		if err == nil {
			err = ErrNameless
		}
		return nil, err
	}
	c := Component{Ecosystem: npm, Name: found[0].name, Version: found[0].version, Path: file.Path, Dir: path.Dir(file.Path)}
	c.License, c.Author = npmFields(io.NewSectionReader(r, 0, r.Size()))
	return []Component{c}, nil
}

// isInstalled reports whether a package.json is where npm installs a package:
// node_modules/NAME or node_modules/@SCOPE/NAME.
func isInstalled(p string) bool {
	dir := path.Dir(path.Dir(p))
	if strings.HasPrefix(path.Base(dir), "@") {
		dir = path.Dir(dir)
	}
	return path.Base(dir) == "node_modules"
}

// npmFields are the license, an expression or one of the forms that it had
// before, and the author, a text or an object (docs.npmjs.com, package.json).
func npmFields(r io.Reader) (license, author string) {
	var p struct {
		License  json.RawMessage   `json:"license"`
		Licenses []json.RawMessage `json:"licenses"`
		Author   json.RawMessage   `json:"author"`
	}
	if json.NewDecoder(r).Decode(&p) != nil {
		return "", ""
	}
	var all []string
	for _, l := range append([]json.RawMessage{p.License}, p.Licenses...) {
		if name := textOf(l, "type"); name != "" {
			all = append(all, name)
		}
	}
	author = textOf(p.Author, "name")
	if i := strings.IndexByte(author, '('); i > 0 { // a web site
		author = author[:i]
	}
	return strings.Join(all, " OR "), strings.TrimSpace(author)
}

// textOf is a text, or the field of an object that has it.
func textOf(value json.RawMessage, field string) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) != nil || json.Unmarshal(object[field], &text) != nil {
		return ""
	}
	return text
}
