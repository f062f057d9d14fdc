package recipes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// TreeFile is a file or symbolic link of a local source. Folders are only
// there by what is in them.
type TreeFile struct {
	// Path is relative to the source's folder, with slashes.
	Path string
	// Mode is 0644 or 0755 for a file, the latter where its owner may execute
	// it; fs.ModeSymlink|0777 for a link.
	Mode fs.FileMode
	// Size is in bytes, and 0 for a link.
	Size int64
	// Target is what a link points to, as it is written.
	Target string
}

// Local lists the files of the local source in dir, by path, without those
// that the .dockerignore patterns match, and without anything named .git. It
// refuses links that lead out of dir, and all but files, links and folders.
func Local(dir string, ignore []string) ([]TreeFile, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("reading local source: %w", err)
	}
	defer root.Close()
	matcher, err := ignoring(ignore)
	if err != nil {
		return nil, err
	}
	t := &tree{root: root, matcher: matcher}
	if err := t.folder(".", patternmatcher.MatchInfo{}); err != nil {
		return nil, fmt.Errorf("reading local source %s: %w", dir, err)
	}
	slices.SortFunc(t.files, func(a, b TreeFile) int { return strings.Compare(a.Path, b.Path) })
	return t.files, nil
}

func ignoring(patterns []string) (*patternmatcher.PatternMatcher, error) {
	clean, err := ignorefile.ReadAll(strings.NewReader(strings.Join(patterns, "\n")))
	if err != nil {
		return nil, fmt.Errorf("reading ignore patterns: %w", err)
	}
	matcher, err := patternmatcher.New(clean)
	if err != nil {
		return nil, fmt.Errorf("reading ignore patterns: %w", err)
	}
	return matcher, nil
}

// Ignores tells of paths in the folder of a local source whether they are no
// part of it, by its .dockerignore patterns.
func Ignores(patterns []string) (func(path string) bool, error) {
	matcher, err := ignoring(patterns)
	if err != nil {
		return nil, err
	}
	return func(p string) bool {
		ignored, err := matcher.MatchesOrParentMatches(p)
		return err == nil && ignored || slices.Contains(strings.Split(p, "/"), ".git")
	}, nil
}

// tree walks a folder.
type tree struct {
	root    *os.Root
	matcher *patternmatcher.PatternMatcher
	files   []TreeFile
}

func (t *tree) folder(dir string, parent patternmatcher.MatchInfo) error {
	entries, err := fs.ReadDir(t.root.FS(), dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == ".git" {
			continue
		}
		p := path.Join(dir, e.Name())
		ignored, info, err := t.matcher.MatchesUsingParentResults(p, parent)
		if err != nil {
			return fmt.Errorf("matching %s: %w", p, err)
		}
		switch {
		case e.IsDir() && (!ignored || t.matcher.Exclusions()):
			err = t.folder(p, info)
		case !e.IsDir() && !ignored:
			err = t.file(p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) file(p string) error {
	fi, err := t.root.Lstat(p)
	if err != nil {
		return err
	}
	switch fi.Mode().Type() {
	case 0:
		t.files = append(t.files, TreeFile{Path: p, Mode: 0o644 | fi.Mode()&0o100/0o100*0o111, Size: fi.Size()})
		return nil
	case fs.ModeSymlink:
		return t.link(p)
	}
	return fmt.Errorf("%s is neither file, link nor folder, but %s; remove it or ignore it", p, fi.Mode().Type())
}

func (t *tree) link(p string) error {
	target, err := t.root.Readlink(p)
	if err != nil {
		return err
	}
	// A link may dangle, but whatever it leads over must be below the root.
	if _, err := t.root.Stat(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the link %s leads out of the folder or in a circle, to %s; remove it or ignore it", p, target)
	}
	t.files = append(t.files, TreeFile{Path: p, Mode: fs.ModeSymlink | 0o777, Target: target})
	return nil
}

// TreeDigest is a sha256, as hex, over the files that [Local] has listed for
// dir: path, mode, link target, size and content of each. Times, owners and
// other permissions do not matter. A file that has changed since in size or
// kind is an error.
func TreeDigest(ctx context.Context, dir string, files []TreeFile) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("hashing local source: %w", err)
	}
	defer root.Close()
	h := sha256.New()
	fmt.Fprintf(h, "kiln tree %s\n%d\n", FormatVersion, len(files))
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("hashing local source: %w", err)
		}
		if err := hashFile(h, root, f); err != nil {
			return "", fmt.Errorf("hashing %s: %w", path.Join(dir, f.Path), err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hashFile writes the header, in which every part is quoted, and then exactly
// as many bytes as it says, so that no two trees give the same stream.
func hashFile(h hash.Hash, root *os.Root, f TreeFile) error {
	fmt.Fprintf(h, "%q %o %q %d\n", f.Path, uint32(f.Mode), f.Target, f.Size)
	fi, err := root.Lstat(f.Path)
	if err != nil {
		return err
	}
	if fi.Mode().Type() != f.Mode.Type() {
		return errors.New("its kind changed meanwhile")
	}
	if f.Mode.Type() == fs.ModeSymlink {
		target, err := root.Readlink(f.Path)
		if err == nil && target != f.Target {
			err = errors.New("the link changed meanwhile")
		}
		return err
	}
	r, err := root.Open(f.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(h, io.LimitReader(r, f.Size+1))
	if err == nil && n != f.Size {
		err = errors.New("its size changed meanwhile")
	}
	return err
}
