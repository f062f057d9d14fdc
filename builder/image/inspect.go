package image

import (
	"archive/tar"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// Inspect finds what rules refuse in a finished image, whoever made it and
// whatever its recipe allows: those of recipes.PolicyRules.
func Inspect(img v1.Image) ([]Finding, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("inspecting image: %w", err)
	}
	sp, err := spool.New("")
	if err != nil {
		return nil, err
	}
	defer sp.Close() //nolint:errcheck // nothing is lost
	r := mutate.Extract(img)
	defer r.Close()
	entries, err := layer.Read(r, sp, recipes.OwnerImage, maxBase)
	if err != nil {
		return nil, fmt.Errorf("inspecting image: %w", err)
	}
	passwd, err := contentOf(entries, "/etc/passwd")
	if err != nil {
		return nil, fmt.Errorf("inspecting image: %w", err)
	}
	findings := append(inspectConfigured(config.Config.User, passwd), inspectEnv(config.Config.Env)...)
	for _, e := range entries {
		if e.Type == tar.TypeLink { // its other name is looked at as a file
			e.Type = tar.TypeSymlink
		}
		found, err := inspectEntry(e)
		if err != nil {
			return nil, fmt.Errorf("inspecting %s: %w", e.Path, err)
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

// contentOf is the content of a small file, empty where there is none.
func contentOf(entries []layer.Entry, p string) (string, error) {
	i := slices.IndexFunc(entries, func(e layer.Entry) bool { return e.Path == p && e.Type == tar.TypeReg })
	if i < 0 {
		return "", nil
	}
	r, err := entries[i].Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, 1<<20))
	return string(b), err
}

// inspectConfigured looks at the user and group that an image's configuration
// names. A name is what the image makes of it, so only a number is known not to
// be root. A user without a group has the one of the image's passwd, and that is
// 0 where it knows no such user (image-spec, config.md).
func inspectConfigured(user, passwd string) []Finding {
	uid, gid, grouped := strings.Cut(user, ":")
	if !grouped {
		gid = groupOf(passwd, uid)
	}
	var text string
	switch {
	case isRoot(uid):
		text = "the image runs as root"
	case !isNumber(uid):
		text = fmt.Sprintf("the image runs as %q, which is no number, and may be root", user)
	case !grouped && isRoot(gid):
		text = fmt.Sprintf("the image runs as %s without a group, which makes it group 0", user)
	case isRoot(gid):
		text = "the image runs as group 0"
	case !isNumber(gid):
		text = fmt.Sprintf("the image runs as %q, whose group is no number, and may be 0", user)
	default:
		return nil
	}
	return []Finding{{recipes.RuleRootUser, "config.User", text}}
}

// groupOf is the group of a user, by number, in passwd(5): empty where there is
// no such user.
func groupOf(passwd, uid string) string {
	for line := range strings.Lines(passwd) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) > 3 && sameNumber(f[2], uid) {
			return f[3]
		}
	}
	return ""
}

func sameNumber(a, b string) bool { return strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0") }

func isRoot(id string) bool { return id == "root" || strings.Trim(id, "0") == "" }

func isNumber(id string) bool { return strings.Trim(id, "0123456789") == "" }
