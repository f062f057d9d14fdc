package image

import (
	"archive/tar"
	"fmt"
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
	findings := append(inspectConfigured(config.Config.User), inspectEnv(config.Config.Env)...)
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

// inspectConfigured looks at the user and group that an image's configuration
// names. A name is what the image makes of it, so only a number is known not to
// be root.
func inspectConfigured(user string) []Finding {
	uid, gid, grouped := strings.Cut(user, ":")
	var text string
	switch {
	case isRoot(uid):
		text = "the image runs as root"
	case !isNumber(uid):
		text = fmt.Sprintf("the image runs as %q, which is no number, and may be root", user)
	case grouped && isRoot(gid):
		text = "the image runs as group 0"
	case grouped && !isNumber(gid):
		text = fmt.Sprintf("the image runs as %q, whose group is no number, and may be 0", user)
	default:
		return nil
	}
	return []Finding{{recipes.RuleRootUser, "config.User", text}}
}

func isRoot(id string) bool { return id == "root" || strings.Trim(id, "0") == "" }

func isNumber(id string) bool { return strings.Trim(id, "0123456789") == "" }
