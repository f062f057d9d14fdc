package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/source"
	"github.com/kiln-build/kiln/recipes"
)

// look finds the newest version of a recipe.
func (u *updating) look(ctx context.Context, res *updated) error {
	var err error
	if res.text, err = os.ReadFile(res.Recipe); err != nil {
		return fmt.Errorf("reading recipe: %w", err)
	}
	if res.recipe, err = u.parse(res, "", res.text); err != nil {
		return err
	}
	res.Name, res.From = res.recipe.Name, res.recipe.Version
	tracked, ok := res.recipe.Tracks()
	if !ok {
		res.Status = updateUntracked
		return nil
	}
	res.tracked, res.Tracked = tracked, tracked.Kind()+" "+tracked.Subject()
	if res.found, err = u.finder.Find(ctx, res.recipe, tracked); err != nil {
		return err
	}
	res.To = res.found.Text
	res.Status = map[int]string{1: updateNewer, 0: updateCurrent, -1: updateAhead}[res.found.Order]
	if res.Status == updateNewer {
		res.Changelog = strings.ReplaceAll(tracked.Changelog, recipes.VersionMark, res.To)
	}
	return nil
}

// parse reads a text in the place of the recipe's file.
func (u *updating) parse(res *updated, variant string, text []byte) (*recipes.Recipe, error) {
	d, err := defaultsFor(res.Recipe)
	if err != nil {
		return nil, err
	}
	return d.Parse(res.Recipe, variant, text)
}

// apply takes a recipe to the version that was found. Nothing is written before
// everything is made.
func (u *updating) apply(ctx context.Context, res *updated) error {
	if u.git != nil {
		var there bool
		var err error
		if res.Branch, there, err = u.git.branchOf(ctx, res.Name, res.To); err != nil || there {
			res.Status = updateProposed
			return err
		}
	}
	text, err := u.next(ctx, res)
	if err != nil {
		return fmt.Errorf("updating %s to %s: %w", res.Name, res.To, err)
	}
	if err := u.lock(res, text); err != nil {
		return fmt.Errorf("updating %s to %s: %w", res.Name, res.To, err)
	}
	if res.Title, res.Body, err = res.proposal(); err != nil {
		return err
	}
	writes := []fileWrite{{res.Recipe, res.text, text}}
	for _, l := range res.locks {
		writes = append(writes, fileWrite{l.recipe.LockPath(), l.old, l.text})
	}
	for _, w := range writes {
		res.Files = append(res.Files, w.file)
	}
	res.Status = updateDone
	if u.git == nil {
		return writeAll(writes)
	}
	res.Commit, err = u.git.commit(ctx, res.Branch, res.Title+"\n\n"+res.why(), writes)
	return err
}

// next is the recipe's text with the version, and the digests and commits of
// what its sources are then.
func (u *updating) next(ctx context.Context, res *updated) ([]byte, error) {
	was, err := recipes.Parse(res.Recipe, res.text) // without defaults, which are not in the file
	if err != nil {
		return nil, err
	}
	values := map[string]string{"version": res.To}
	text, err := was.Rewrite(values)
	if err != nil {
		return nil, err
	}
	is, err := recipes.Parse(res.Recipe, text)
	if err != nil {
		return nil, err
	}
	follows := res.tracked.Debian != "" // the suite has no other
	for i := range is.Sources {
		moved, err := u.follow(ctx, res, &was.Sources[i], &is.Sources[i], fmt.Sprintf("sources[%d]", i), values)
		if err != nil {
			return nil, err
		}
		follows = follows || moved
	}
	if !follows {
		return nil, withHint{errors.New("none of its sources follows `version`"),
			"write ${version} where a source has it; what is in a folder beside the recipe is for you to change"}
	}
	return was.Rewrite(values)
}

// follow reports whether a source changed with the version, and adds to values
// what the recipe pins of it.
func (u *updating) follow(ctx context.Context, res *updated, was, is *recipes.Source, at string, values map[string]string) (moved bool, err error) {
	switch {
	case is.Archive != nil && is.Archive.URL != was.Archive.URL:
		values[at+".archive.sha256"], err = u.hash(ctx, res, is.Archive)
		return true, err
	case is.Git != nil && is.Git.Ref != was.Git.Ref:
		if is.Git.Commit != "" {
			values[at+".git.commit"], err = u.commit(ctx, res, is.Git)
		}
		return true, err
	case is.Debian != nil && is.Debian.Version != "" && is.Debian.Package == res.tracked.Debian:
		values[at+".debian.version"] = res.found.Full
		return true, nil
	}
	return is.Go != was.Go, nil
}

// commit is the one of a source's tag, which may have been seen already.
func (u *updating) commit(ctx context.Context, res *updated, src *recipes.GitSource) (string, error) {
	if src.URL == res.tracked.Git && src.Ref == res.found.Tag {
		return res.found.Commit, nil
	}
	return u.finder.Commit(ctx, src.URL, src.Ref)
}

// hash downloads an archive, and compares it with upstream's own list where the
// recipe names one.
func (u *updating) hash(ctx context.Context, res *updated, a *recipes.ArchiveSource) (string, error) {
	sum, err := u.sources.Hash(ctx, a)
	if err != nil {
		return "", err
	}
	d := downloaded{URL: a.URL, SHA256: sum, Compared: strings.ReplaceAll(res.tracked.Checksums, recipes.VersionMark, res.To)}
	if d.Compared != "" {
		file := source.FileName(a.URL)
		listed, err := u.finder.Checksums(ctx, d.Compared, file)
		switch {
		case err != nil:
			return "", err
		case len(listed) == 0:
			return "", fmt.Errorf("comparing %s: %s does not list it", file, d.Compared)
		case !slices.Contains(listed, sum):
			return "", fmt.Errorf("comparing %s: it has the SHA-256 %s, and %s says %s", file, sum, d.Compared, listed[0])
		}
	}
	res.Downloaded = append(res.Downloaded, d)
	return sum, nil
}

// lock makes the locks of the recipe and its variants, as the text has them.
func (u *updating) lock(res *updated, text []byte) error {
	for _, variant := range append([]string{""}, res.recipe.Variants...) {
		r, err := u.parse(res, variant, text)
		if err != nil {
			return err
		}
		l, err := makeLock(u.cli, u.env, r, false)
		if err != nil {
			return err
		}
		res.locks = append(res.locks, l)
	}
	return nil
}

// why is the rest of a commit's message.
func (res *updated) why() string {
	return strings.TrimSpace("From "+res.From+".\n"+res.Changelog) + "\n"
}

// proposal is a pull request's title and text: what changed, and what that does
// to the locks.
func (res *updated) proposal() (title, body string, err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s → %s\n\n", code(res.Name), code(res.From), code(res.To))
	if res.Changelog != "" {
		fmt.Fprintf(&b, "[Changelog](<%s>)\n\n", res.Changelog)
	}
	for _, d := range res.Downloaded {
		how := "Nothing was there to compare it with."
		if d.Compared != "" {
			how = "Upstream's list at " + code(d.Compared) + " says the same."
		}
		fmt.Fprintf(&b, "%s has the SHA-256 %s. %s\n\n", code(d.URL), code(d.SHA256), how)
	}
	for _, l := range res.locks {
		text, err := l.difference()
		if err != nil {
			return "", "", err
		}
		if text != "" {
			fmt.Fprintf(&b, "## %s\n\n%s", code(l.recipe.LockPath()), text)
		}
	}
	return res.Name + ": " + res.To, b.String(), nil
}

// difference is what changed in a lock, in Markdown.
func (l newLock) difference() (string, error) {
	if len(l.old) == 0 {
		return "", nil
	}
	was, err := recipes.ParseLock(l.recipe.LockPath(), l.old)
	if err != nil {
		return "", nil //nolint:nilerr // one that could not be read is replaced
	}
	d, err := lockDiff(was, l.lock)
	return d.markdown(), err
}

// fileWrite is a file's text before and after.
type fileWrite struct {
	file     string
	was, now []byte // was is nil where there is no file
}

// writeAll writes all files, or leaves them as they were.
func writeAll(writes []fileWrite) error {
	for i, w := range writes {
		if err := writeWhole(w.file, w.now); err != nil {
			return errors.Join(fmt.Errorf("writing %s: %w", w.file, err), undo(writes[:i]))
		}
	}
	return nil
}

// undo makes files what they were.
func undo(writes []fileWrite) error {
	var errs []error
	for _, w := range writes {
		if w.was == nil {
			errs = append(errs, os.Remove(w.file))
			continue
		}
		errs = append(errs, writeWhole(w.file, w.was))
	}
	return errors.Join(errs...)
}
