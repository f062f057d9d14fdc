package image

import (
	"archive/tar"
	"path"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/layer"
)

// tree is a file system as entries by path.
type tree struct {
	byPath map[string]layer.Entry
}

func newTree() *tree { return &tree{byPath: map[string]layer.Entry{}} }

func (t *tree) has(p string) bool {
	_, ok := t.byPath[p]
	return ok
}

func (t *tree) add(e layer.Entry) { t.byPath[e.Path] = e }

func (t *tree) sorted() []layer.Entry {
	all := make([]layer.Entry, 0, len(t.byPath))
	for _, e := range t.byPath {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b layer.Entry) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// resolve follows symbolic links in p, in its folders as well, and returns
// the entry it ends at.
func (t *tree) resolve(p string) (layer.Entry, bool) {
	rest := strings.Split(strings.Trim(path.Clean("/"+p), "/"), "/")
	at, links := "/", 0
	for len(rest) > 0 {
		next := path.Join(at, rest[0])
		rest = rest[1:]
		if e, ok := t.byPath[next]; ok && e.Type == tar.TypeSymlink {
			if links++; links > 40 {
				return layer.Entry{}, false
			}
			target := e.Linkname
			if !path.IsAbs(target) {
				target = path.Join(at, target)
			}
			rest = append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), rest...)
			at = "/"
			continue
		}
		at = next
	}
	e, ok := t.byPath[at]
	return e, ok
}

// real returns p with the symbolic links in its folders followed: where a file
// at p is written to. Links that lead nowhere are taken as they are.
func (t *tree) real(p string) string {
	at, rest := "/", strings.Split(strings.Trim(path.Clean("/"+p), "/"), "/")
	for links := 0; len(rest) > 1; {
		next := path.Join(at, rest[0])
		if e, ok := t.byPath[next]; ok && e.Type == tar.TypeSymlink {
			if links++; links > 40 {
				return p
			}
			target := e.Linkname
			if !path.IsAbs(target) {
				target = path.Join(at, target)
			}
			rest = append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), rest[1:]...)
			at = "/"
			continue
		}
		at, rest = next, rest[1:]
	}
	return path.Join(at, rest[0])
}

// realDir is real for a folder, which may be a link itself.
func (t *tree) realDir(p string) string { return path.Dir(t.real(path.Join(p, "x"))) }

// merged returns p as it is on a system whose /bin, /sbin and /lib* are links
// to the same below /usr (Debian Policy 10.1, "File System Structure").
func merged(p string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	switch first {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32":
		return "/usr" + p
	}
	return p
}
