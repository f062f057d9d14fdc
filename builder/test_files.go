package builder

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/kiln-build/kiln/recipes"
)

// imageTree is the file system of an image, read from its layers without an
// engine.
type imageTree struct {
	image   v1.Image
	entries map[string]*tar.Header // by absolute path
}

func readTree(img v1.Image) (*imageTree, error) {
	t := &imageTree{image: img, entries: map[string]*tar.Header{"/": {Typeflag: tar.TypeDir, Mode: 0o755}}}
	err := t.walk(func(p string, h *tar.Header, _ io.Reader) error {
		t.entries[p] = h
		return nil
	})
	return t, err
}

func (t *imageTree) walk(f func(string, *tar.Header, io.Reader) error) error {
	r := mutate.Extract(t.image)
	defer r.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the image's layers: %w", err)
		}
		if err := f(path.Join("/", h.Name), h, tr); err != nil { //nolint:gosec // nothing is extracted
			return err
		}
	}
}

// resolve follows the links on the way to p, and where last is set also one at
// its end. It is "" where a link leads in a circle.
func (t *imageTree) resolve(p string, last bool) string {
	done, rest := "/", strings.Split(strings.Trim(path.Clean(p), "/"), "/")
	for hops := 0; len(rest) > 0; {
		next := path.Join(done, rest[0])
		rest = rest[1:]
		h, ok := t.entries[next]
		if !ok || h.Typeflag != tar.TypeSymlink || len(rest) == 0 && !last {
			done = next
			continue
		}
		if hops++; hops > 40 {
			return ""
		}
		target := h.Linkname
		if !path.IsAbs(target) {
			target = path.Join(done, target) //nolint:gosec // a name in the tree
		}
		done, rest = "/", append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), rest...)
	}
	return done
}

// maxContent is how much of a file is looked at.
const maxContent = 64 << 20

// content reads the file at a resolved path.
func (t *imageTree) content(p string) ([]byte, error) {
	if h := t.entries[p]; h.Typeflag == tar.TypeLink {
		p = path.Join("/", h.Linkname) //nolint:gosec // a name in the tree
	}
	var data []byte
	err := t.walk(func(at string, _ *tar.Header, r io.Reader) (err error) {
		if at == p {
			data, err = io.ReadAll(io.LimitReader(r, maxContent))
		}
		return err
	})
	return data, err
}

func (t *tester) files(list []recipes.FileTest) (*finding, error) {
	if t.tree == nil {
		var err error
		if t.tree, err = readTree(t.image); err != nil {
			return nil, err
		}
	}
	for i, f := range list {
		found, err := t.tree.check(f)
		if err != nil {
			return nil, err
		}
		if found != nil {
			if i > 0 {
				found.about = f.Pos
			}
			return found, nil
		}
	}
	return nil, nil
}

func (t *imageTree) check(f recipes.FileTest) (*finding, error) {
	if f.Licenses && strings.ContainsAny(f.Path, "*") {
		return t.checkLicenses(f.Path)
	}
	p := t.resolve(f.Path, f.Type != "link")
	h, ok := t.entries[p]
	switch {
	case f.Absent && ok:
		return &finding{want: "nothing at " + f.Path, got: "a " + typeName(h)}, nil
	case f.Absent:
		return nil, nil
	case !ok:
		return &finding{want: "something at " + f.Path, got: "nothing"}, nil
	}
	if found := checkHeader(f, h); found != nil {
		return found, nil
	}
	if len(f.Content)+len(f.NotContent) == 0 && !f.Licenses {
		return nil, nil
	}
	if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeLink {
		return &finding{want: "a file at " + f.Path, got: "a " + typeName(h)}, nil
	}
	data, err := t.content(p)
	if err != nil {
		return nil, err
	}
	if f.Licenses && len(data) == 0 {
		return &finding{want: "a license in " + f.Path, got: "nothing"}, nil
	}
	return compare(f.Path, data, f.Content, f.NotContent), nil
}

func typeName(h *tar.Header) string {
	switch h.Typeflag {
	case tar.TypeDir:
		return "folder"
	case tar.TypeSymlink:
		return "link"
	case tar.TypeReg, tar.TypeLink:
		return "file"
	}
	return fmt.Sprintf("special file of type %q", h.Typeflag)
}

// checkHeader compares what a tar header says.
func checkHeader(f recipes.FileTest, h *tar.Header) *finding {
	bits := h.Mode & 0o7777
	mode, _ := strconv.ParseInt(f.Mode, 8, 64)
	owner := fmt.Sprintf("%d:%d", h.Uid, h.Gid)
	execute := map[string]int64{"owner": 0o100, "group": 0o010, "other": 0o001, "any": 0o111}[f.Executable]
	switch {
	case f.Type != "" && f.Type != typeName(h):
		return &finding{want: "a " + f.Type + " at " + f.Path, got: "a " + typeName(h)}
	case f.Mode != "" && mode != bits:
		return &finding{want: fmt.Sprintf("mode %04o of %s", mode, f.Path), got: fmt.Sprintf("%04o", bits)}
	case f.Owner != "" && f.Owner != owner:
		return &finding{want: "owner " + f.Owner + " of " + f.Path, got: owner}
	case f.UID != nil && *f.UID != h.Uid:
		return &finding{want: fmt.Sprintf("user %d of %s", *f.UID, f.Path), got: strconv.Itoa(h.Uid)}
	case f.GID != nil && *f.GID != h.Gid:
		return &finding{want: fmt.Sprintf("group %d of %s", *f.GID, f.Path), got: strconv.Itoa(h.Gid)}
	case f.Executable != "" && bits&execute == 0:
		return &finding{want: f.Path + " executable by " + f.Executable, got: fmt.Sprintf("mode %04o", bits)}
	case f.Target != "" && f.Target != h.Linkname:
		return &finding{want: f.Path + " to lead to " + f.Target, got: h.Linkname}
	}
	return nil
}

// checkLicenses wants a copyright file that is not empty in each folder that
// the pattern's folder matches.
func (t *imageTree) checkLicenses(pattern string) (*finding, error) {
	var dirs []string
	for p, h := range t.entries {
		if ok, _ := path.Match(path.Dir(pattern), p); ok && h.Typeflag == tar.TypeDir {
			dirs = append(dirs, p)
		}
	}
	slices.Sort(dirs)
	for _, d := range dirs {
		found, err := t.check(recipes.FileTest{Path: path.Join(d, path.Base(pattern)), Licenses: true})
		if found != nil || err != nil {
			return found, err
		}
	}
	return nil, nil
}
