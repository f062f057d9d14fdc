package gomod

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// maxList bounds a list of versions.
const maxList = 8 << 20

// Versions are those of a module that the proxy knows, without those that its
// newest go.mod retracts (https://go.dev/ref/mod#go-mod-file-retract), in
// ascending order. Versions that no tag names are not among them. What is no
// version is an error.
func (c *Client) Versions(ctx context.Context, modpath string) ([]string, error) {
	list, err := c.versions(ctx, modpath)
	if err != nil {
		return nil, fmt.Errorf("listing versions of Go module %s: %w", modpath, err)
	}
	return list, nil
}

func (c *Client) versions(ctx context.Context, modpath string) ([]string, error) {
	text, err := c.file(ctx, modpath, "@v/list", maxList)
	if err != nil {
		return nil, err
	}
	list := strings.Fields(string(text))
	latest, err := c.latest(ctx, modpath)
	if err != nil {
		return nil, err
	}
	if latest != "" {
		list = append(list, latest)
	}
	for _, v := range list {
		if module.CanonicalVersion(v) != v || v == "" {
			return nil, fmt.Errorf("the proxy names %.60q, which is no version", v)
		}
	}
	semver.Sort(list)
	list = slices.DeleteFunc(slices.Compact(list), module.IsPseudoVersion)
	if len(list) == 0 {
		return nil, errors.New("the proxy knows none")
	}
	return c.unretracted(ctx, modpath, list)
}

// latest is what the proxy calls so, or "" where it does not say.
func (c *Client) latest(ctx context.Context, modpath string) (string, error) {
	text, err := c.file(ctx, modpath, "@latest", 1<<20)
	if errors.Is(err, errGone) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var info struct{ Version string }
	if err := json.Unmarshal(text, &info); err != nil {
		return "", fmt.Errorf("reading the proxy's @latest: %w", err)
	}
	return info.Version, nil
}

// unretracted leaves out what the go.mod of the newest release retracts, or of
// the newest version where there is no release.
func (c *Client) unretracted(ctx context.Context, modpath string, list []string) ([]string, error) {
	newest := list[len(list)-1]
	for _, v := range list {
		if semver.Prerelease(v) == "" {
			newest = v
		}
	}
	text, err := c.get(ctx, modpath, newest, ".mod", 16<<20)
	if err != nil {
		return nil, err
	}
	file, err := modfile.ParseLax("go.mod", text, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the go.mod of %s: %w", newest, err)
	}
	return slices.DeleteFunc(list, func(v string) bool {
		return slices.ContainsFunc(file.Retract, func(r *modfile.Retract) bool {
			return semver.Compare(r.Low, v) <= 0 && semver.Compare(v, r.High) <= 0
		})
	}), nil
}

// file reads what the proxies have about a module as a whole.
func (c *Client) file(ctx context.Context, modpath, name string, limit int64) ([]byte, error) {
	escaped, err := c.escape(modpath)
	if err != nil {
		return nil, err
	}
	body, err := c.fromProxies(ctx, path.Join(escaped, name))
	if err != nil {
		return nil, err
	}
	return readLimited(body, limit)
}
