package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

var commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// tags lists the tags of a repository that look as said. Those without a number
// in the place of the version are of something else.
func (f *Finder) tags(ctx context.Context, url, form string) ([]Version, error) {
	commits, err := f.commits(ctx, url)
	if err != nil {
		return nil, err
	}
	before, after, _ := strings.Cut(form, recipes.VersionMark)
	var list []Version
	for tag, id := range commits { // in no order: one is chosen
		rest, begins := strings.CutPrefix(tag, before)
		version, ends := strings.CutSuffix(rest, after)
		if begins && ends && version != "" && version[0] >= '0' && version[0] <= '9' {
			list = append(list, Version{Text: version, Tag: tag, Commit: id})
		}
	}
	return list, nil
}

// Commit is the commit that a tag of a repository is of.
func (f *Finder) Commit(ctx context.Context, url, tag string) (string, error) {
	commits, err := f.commits(ctx, url)
	if err == nil && commits[tag] == "" {
		err = errors.New("the repository has no such tag")
	}
	if err != nil {
		return "", fmt.Errorf("resolving tag %s of %s: %w", tag, url, err)
	}
	return commits[tag], nil
}

// commits are those of all tags of a repository (git-ls-remote(1)). What stands
// behind a tag object follows it, with ^{} behind the name.
func (f *Finder) commits(ctx context.Context, url string) (map[string]string, error) {
	text, err := f.refs(ctx, url)
	if err != nil {
		return nil, err
	}
	commits := map[string]string{}
	for line := range strings.Lines(text) {
		id, ref, _ := strings.Cut(strings.TrimSpace(line), "\t")
		tag, ok := strings.CutPrefix(ref, "refs/tags/")
		if !ok || !commitID.MatchString(id) {
			return nil, errors.New("git lists something that is no tag")
		}
		commits[strings.TrimSuffix(tag, "^{}")] = id
	}
	return commits, nil
}

// refs asks git, which knows its own credentials, and asks nobody for others.
// How to get through by SSH is the environment's to say.
func (f *Finder) refs(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	args := []string{"-c", "protocol.allow=never"}
	for _, scheme := range []string{"https", "http", "ssh", "git"} {
		args = append(args, "-c", "protocol."+scheme+".allow=always")
	}
	cmd := exec.CommandContext(ctx, "git", append(args, "ls-remote", "--tags", "--", url)...) //nolint:gosec // a URL, behind all options
	cmd.Dir = "/"
	cmd.Env = slices.Concat([]string{"GIT_SSH_COMMAND=ssh -o BatchMode=yes"}, f.Git, []string{"GIT_TERMINAL_PROMPT=0"})
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", fmt.Errorf("running git: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("running git: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(out, maxRefs+1))
	if len(text) > maxRefs {
		cancel()
		cmd.Wait() //nolint:errcheck // it was ended
		return "", fmt.Errorf("the repository lists more than %d MB of tags", maxRefs>>20)
	}
	if werr := cmd.Wait(); werr != nil {
		last := strings.TrimSpace(said.String())
		return "", fmt.Errorf("running git: %w: %s", werr, last[strings.LastIndexByte(last, '\n')+1:])
	}
	return string(text), err
}
