package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// gitCommits makes commits in the repository that a folder is in.
type gitCommits struct {
	dir, template string
	sign          bool
	// back are the arguments of git switch that lead to where this run began.
	back []string
	// made are branches of this run.
	made map[string]bool
}

// newGitCommits refuses a work tree with changes: they would be among ours, or
// be lost.
func newGitCommits(ctx context.Context, dir, template string, sign bool) (*gitCommits, error) {
	g := &gitCommits{dir: dir, template: template, sign: sign, made: map[string]bool{}}
	top, err := g.run(ctx, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	g.dir = top
	changes, err := g.run(ctx, nil, "status", "--porcelain")
	if err != nil {
		return nil, err
	}
	if changes != "" {
		first, _, _ := strings.Cut(changes, "\n")
		return nil, withHint{fmt.Errorf("committing: the work tree %s is not clean: %s", top, first), "commit it, or `git stash --include-untracked`"}
	}
	head, err := g.run(ctx, nil, "rev-parse", "--verify", "HEAD")
	g.back = []string{"switch", "--quiet", "--detach", head}
	if branch, err := g.run(ctx, nil, "symbolic-ref", "--quiet", "--short", "HEAD"); err == nil {
		g.back = []string{"switch", "--quiet", branch}
	}
	return g, err
}

// run has git do something, and returns what it says.
func (g *gitCommits) run(ctx context.Context, stdin []byte, args ...string) (string, error) {
	out, err := runGit(ctx, g.dir, stdin, args...)
	return strings.TrimSpace(string(out)), err
}

// branchOf is the branch for a recipe's version, and whether it was there
// before this run. It is empty where all goes to the present one.
func (g *gitCommits) branchOf(ctx context.Context, name, version string) (branch string, there bool, err error) {
	if g.template == "" {
		return "", false, nil
	}
	branch = strings.NewReplacer("${name}", name, recipes.VersionMark, version).Replace(g.template)
	if _, err := g.run(ctx, nil, "check-ref-format", "--branch", branch); err != nil {
		return "", false, usagef("--branch: %q cannot be a branch", branch)
	}
	if g.made[branch] {
		return branch, false, nil
	}
	_, err = g.run(ctx, nil, "rev-parse", "--verify", "--quiet", "refs/heads/"+branch)
	return branch, err == nil, nil
}

// commit writes the files and commits them, and no others. Where that fails,
// files and branches are as they were.
func (g *gitCommits) commit(ctx context.Context, branch, message string, writes []fileWrite) (id string, err error) {
	fresh := branch != "" && !g.made[branch]
	if branch != "" {
		if err := g.enter(ctx, branch, fresh); err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, g.leave(context.WithoutCancel(ctx), branch, fresh && err != nil)) }()
	}
	if err := writeAll(writes); err != nil {
		return "", err
	}
	if id, err = g.record(ctx, message, writes); err != nil {
		return "", errors.Join(err, g.forget(context.WithoutCancel(ctx), writes))
	}
	if branch != "" {
		g.made[branch] = true
	}
	return id, nil
}

// enter goes to a branch.
func (g *gitCommits) enter(ctx context.Context, branch string, fresh bool) error {
	args := []string{"switch", "--quiet", branch}
	if fresh {
		args = []string{"switch", "--quiet", "--create", branch}
	}
	_, err := g.run(ctx, nil, args...)
	return err
}

// leave goes back to where this run began, and drops a branch that nothing was
// committed to.
func (g *gitCommits) leave(ctx context.Context, branch string, drop bool) error {
	_, err := g.run(ctx, nil, g.back...)
	if err == nil && drop {
		_, err = g.run(ctx, nil, "branch", "--quiet", "-D", branch)
	}
	return err
}

// record adds and commits the files.
func (g *gitCommits) record(ctx context.Context, message string, writes []fileWrite) (string, error) {
	paths, err := absolute(writes)
	if err != nil {
		return "", err
	}
	if _, err := g.run(ctx, nil, append([]string{"add", "--"}, paths...)...); err != nil {
		return "", err
	}
	args := []string{"commit", "--quiet", "--file=-"}
	if g.sign {
		args = append(args, "--gpg-sign")
	}
	if _, err := g.run(ctx, []byte(message), append(append(args, "--"), paths...)...); err != nil {
		return "", err
	}
	return g.run(ctx, nil, "rev-parse", "HEAD")
}

// forget takes files out of the index again, and makes them what they were.
func (g *gitCommits) forget(ctx context.Context, writes []fileWrite) error {
	paths, err := absolute(writes)
	if err != nil {
		return err
	}
	_, err = g.run(ctx, nil, append([]string{"reset", "--quiet", "--"}, paths...)...)
	return errors.Join(err, undo(writes))
}

func absolute(writes []fileWrite) ([]string, error) {
	var paths []string
	for _, w := range writes {
		abs, err := filepath.Abs(w.file)
		if err != nil {
			return nil, fmt.Errorf("committing: %w", err)
		}
		paths = append(paths, abs)
	}
	return paths, nil
}
