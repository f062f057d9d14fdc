// Package site writes the pages of a catalog: an index that one can search, and
// a page for each image. They are plain files that work wherever they lie, from
// a folder as from a server, and ask nothing of any network.
//
// It is given facts that others have gathered and verified, and reads nothing
// itself, no clock either: the same facts give the same bytes. All facts are
// taken for foreign text, which a page shows and never obeys: templates escape
// it, links are made of http and https alone, and a policy in each page
// (Content Security Policy, level 3) lets no style and no script run but the
// two that this package embeds, by their digests. Start at [Catalog.Files].
package site

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// File is one file of the site.
type File struct {
	// Path is relative to the site's folder, with slashes.
	Path string
	Data []byte
}

// Generator marks the pages of this package: `<meta name="generator">`.
const Generator = "kiln catalog site"

// Index is the path of the page to begin with, and Folder that of the images'.
const (
	Index  = "index.html"
	Folder = "image"
)

// pageName is what an image's name must be to serve as that of a file.
var pageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Files are the pages, in the order of their paths. The error is about a name
// that is no file's, or that two images have.
func (c *Catalog) Files() ([]File, error) {
	images := slices.Clone(c.Images)
	slices.SortFunc(images, func(a, b Image) int { return strings.Compare(a.Name, b.Name) })
	for i, img := range images {
		if !pageName.MatchString(img.Name) {
			return nil, fmt.Errorf("writing pages: %q is no name for a page", img.Name)
		}
		if i > 0 && strings.EqualFold(images[i-1].Name, img.Name) {
			return nil, fmt.Errorf("writing pages: two images are named %s", img.Name)
		}
	}
	sorted := *c
	sorted.Images = images
	var list []File
	for i := range images {
		f, err := render("image.html", Folder+"/"+images[i].Name+".html", imagePage{page: sorted.page("../"), Image: &images[i]})
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	index, err := render("index.html", Index, indexPage{page: sorted.page(""), Images: images})
	return append(list, index), err
}

func render(template, path string, data any) (File, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, template, data); err != nil {
		return File{}, fmt.Errorf("writing %s: %w", path, err)
	}
	return File{Path: path, Data: append(bytes.TrimSpace(b.Bytes()), '\n')}, nil
}
