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

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// imageTree is the file system of an image, read from its layers without an
// engine.
type imageTree struct {
	spool   *spool.Spool // what the files hold
	entries map[string]layer.Entry
}

// maxTree is the limit on what an image unpacks to, in bytes.
const maxTree = 32 << 30

// readTree reads the layers once, for they are compressed.
func readTree(img v1.Image) (*imageTree, error) {
	sp, err := spool.New("")
	if err != nil {
		return nil, err
	}
	t := &imageTree{spool: sp, entries: map[string]layer.Entry{"/": {File: recipes.File{Path: "/", Type: tar.TypeDir, Mode: 0o755}}}}
	r := mutate.Extract(img)
	defer r.Close()
	entries, err := layer.Read(r, sp, recipes.OwnerImage, maxTree)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the image's layers: %w", err), sp.Close())
	}
	for _, e := range entries {
		t.entries[e.Path] = e
	}
	return t, nil
}

// resolve follows the links on the way to p, and where last is set also one at
// its end. It is "" where a link leads in a circle.
func (t *imageTree) resolve(p string, last bool) string {
	done, rest := "/", strings.Split(strings.Trim(path.Clean(p), "/"), "/")
	for hops := 0; len(rest) > 0; {
		next := path.Join(done, rest[0])
		rest = rest[1:]
		e, ok := t.entries[next]
		if !ok || e.Type != tar.TypeSymlink || len(rest) == 0 && !last {
			done = next
			continue
		}
		if hops++; hops > 40 {
			return ""
		}
		target := e.Linkname
		if !path.IsAbs(target) {
			target = path.Join(done, target)
		}
		done, rest = "/", append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), rest...)
	}
	return done
}

// maxContent is how much of a file is looked at.
const maxContent = 64 << 20

// content reads the file at a resolved path.
func (t *imageTree) content(p string) ([]byte, error) {
	e := t.entries[p]
	if e.Type == tar.TypeLink {
		e = t.entries[path.Join("/", e.Linkname)]
	}
	if e.Open == nil {
		return nil, fmt.Errorf("reading the image's layers: %s links to %s, which is no file", p, t.entries[p].Linkname)
	}
	r, err := e.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxContent))
}

func (t *tester) files(list []recipes.FileTest) (*finding, error) {
	t.treeOnce.Do(func() { t.tree, t.treeErr = readTree(t.image) })
	if t.treeErr != nil {
		return nil, t.treeErr
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
	e, ok := t.entries[p]
	switch {
	case f.Absent && ok:
		return &finding{want: "nothing at " + f.Path, got: "a " + typeName(e)}, nil
	case f.Absent:
		return nil, nil
	case !ok:
		return &finding{want: "something at " + f.Path, got: "nothing"}, nil
	}
	if found := checkEntry(f, e); found != nil {
		return found, nil
	}
	if len(f.Content)+len(f.NotContent) == 0 && !f.Licenses {
		return nil, nil
	}
	if e.Type != tar.TypeReg && e.Type != tar.TypeLink {
		return &finding{want: "a file at " + f.Path, got: "a " + typeName(e)}, nil
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

func typeName(e layer.Entry) string {
	switch e.Type {
	case tar.TypeDir:
		return "folder"
	case tar.TypeSymlink:
		return "link"
	case tar.TypeReg, tar.TypeLink:
		return "file"
	}
	return fmt.Sprintf("special file of type %q", e.Type)
}

// checkEntry compares all but the content.
func checkEntry(f recipes.FileTest, e layer.Entry) *finding {
	mode, _ := strconv.ParseInt(f.Mode, 8, 64)
	owner := fmt.Sprintf("%d:%d", e.UID, e.GID)
	execute := map[string]int64{"owner": 0o100, "group": 0o010, "other": 0o001, "any": 0o111}[f.Executable]
	switch {
	case f.Type != "" && f.Type != typeName(e):
		return &finding{want: "a " + f.Type + " at " + f.Path, got: "a " + typeName(e)}
	case f.Mode != "" && mode != e.Mode:
		return &finding{want: fmt.Sprintf("mode %04o of %s", mode, f.Path), got: fmt.Sprintf("%04o", e.Mode)}
	case f.Owner != "" && f.Owner != owner:
		return &finding{want: "owner " + f.Owner + " of " + f.Path, got: owner}
	case f.UID != nil && *f.UID != e.UID:
		return &finding{want: fmt.Sprintf("user %d of %s", *f.UID, f.Path), got: strconv.Itoa(e.UID)}
	case f.GID != nil && *f.GID != e.GID:
		return &finding{want: fmt.Sprintf("group %d of %s", *f.GID, f.Path), got: strconv.Itoa(e.GID)}
	case f.Executable != "" && e.Mode&execute == 0:
		return &finding{want: f.Path + " executable by " + f.Executable, got: fmt.Sprintf("mode %04o", e.Mode)}
	case f.Target != "" && f.Target != e.Linkname:
		return &finding{want: f.Path + " to lead to " + f.Target, got: e.Linkname}
	}
	return nil
}

// checkLicenses wants a copyright file that is not empty in each folder that
// the pattern's folder matches.
func (t *imageTree) checkLicenses(pattern string) (*finding, error) {
	var dirs []string
	for p, e := range t.entries {
		if ok, _ := path.Match(path.Dir(pattern), p); ok && e.Type == tar.TypeDir {
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
