package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// changedSince are the recipes of which something differs from the git
// revision: their folder, a source of theirs elsewhere, or the catalog's
// settings. What stands on the image of one of them is among them.
func changedSince(ctx context.Context, catalog *recipes.Catalog, rev string) (map[*recipes.Entry]bool, error) {
	g, err := openGit(ctx, catalog.Dir)
	if err != nil {
		return nil, err
	}
	files, err := g.changed(ctx, rev)
	if err != nil {
		return nil, err
	}
	all, err := settingsChanged(ctx, g, catalog, files, rev)
	if err != nil {
		return nil, err
	}
	changed := map[*recipes.Entry]bool{}
	for _, e := range catalog.Entries {
		touched, err := touchedBy(e, files)
		if err != nil {
			return nil, err
		}
		changed[e] = all || touched
	}
	edges := catalog.Edges()
	for more := true; more; { // as far as one stands on the other
		more = false
		for _, edge := range edges {
			if changed[edge.From] && !changed[edge.To] {
				changed[edge.To], more = true, true
			}
		}
	}
	return changed, nil
}

// touchedBy reports whether one of the files, by absolute paths, is the
// recipe's.
func touchedBy(e *recipes.Entry, files []string) (bool, error) {
	dir, err := filepath.Abs(filepath.Dir(e.File))
	if err != nil {
		return false, err
	}
	for _, file := range files {
		if below(dir, file) {
			return true, nil
		}
	}
	for _, r := range e.All() {
		for _, s := range r.Sources {
			if s.Local == nil {
				continue
			}
			ignores, err := recipes.Ignores(s.Local.Ignore)
			if err != nil {
				return false, fmt.Errorf("%s: %w", e.File, err)
			}
			root := filepath.Join(dir, filepath.FromSlash(s.Local.Path))
			for _, file := range files {
				if rel, err := filepath.Rel(root, file); err == nil && below(root, file) && !ignores(filepath.ToSlash(rel)) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

func below(dir, file string) bool {
	return file == dir || strings.HasPrefix(file, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}

// settingsChanged reports whether the catalog's own settings are others than
// they were.
func settingsChanged(ctx context.Context, g *git, catalog *recipes.Catalog, files []string, rev string) (bool, error) {
	file, err := filepath.Abs(catalog.Config.File)
	if err != nil {
		return false, err
	}
	differs := false
	for _, f := range files {
		differs = differs || f == file
	}
	if !differs {
		return false, nil
	}
	old, err := g.show(ctx, rev, file)
	if err != nil {
		return true, nil //nolint:nilerr // there was none
	}
	was, err := recipes.ParseConfig(catalog.Config.File, old)
	return err != nil || !reflect.DeepEqual(was.Catalog, catalog.Config.Catalog), nil
}

// git is a work tree.
type git struct{ root string }

func openGit(ctx context.Context, dir string) (*git, error) {
	out, err := runGit(ctx, dir, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, withHint{fmt.Errorf("looking for what has changed: %w", err), "--since is for a catalog in a git repository"}
	}
	root, err := filepath.EvalSymlinks(strings.TrimSuffix(string(out), "\n"))
	return &git{root: root}, err
}

// changed are the files, by absolute paths, that differ from the revision:
// committed since, or not yet; and those that git does not know.
func (g *git) changed(ctx context.Context, rev string) ([]string, error) {
	if strings.HasPrefix(rev, "-") {
		return nil, usagef("--since: %q is no revision", rev)
	}
	diff, err := runGit(ctx, g.root, nil, "diff", "--name-only", "--no-renames", "-z", rev, "--")
	if err != nil {
		return nil, withHint{fmt.Errorf("looking for what has changed: %w", err), "--since takes what git calls a revision, such as origin/main; a shallow clone may not have it (fetch-depth: 0)"}
	}
	others, err := runGit(ctx, g.root, nil, "ls-files", "--others", "--exclude-standard", "-z")
	if err != nil {
		return nil, fmt.Errorf("looking for what has changed: %w", err)
	}
	var files []string
	for _, name := range bytes.Split(append(diff, others...), []byte{0}) {
		if len(name) > 0 {
			files = append(files, filepath.Join(g.root, string(name)))
		}
	}
	return files, nil
}

// show is a file as it was in the revision.
func (g *git) show(ctx context.Context, rev, file string) ([]byte, error) {
	rel, err := filepath.Rel(g.root, file)
	if err != nil {
		return nil, err
	}
	return runGit(ctx, g.root, nil, "show", rev+":"+filepath.ToSlash(rel))
}
