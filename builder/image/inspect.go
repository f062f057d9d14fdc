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

// inspectConfigured looks at the user that an image's configuration names. A
// name is what the image makes of it, so only a number is known not to be root.
func inspectConfigured(user string) []Finding {
	uid, _, _ := strings.Cut(user, ":")
	numeric := uid != "" && strings.Trim(uid, "0123456789") == ""
	if numeric && strings.Trim(uid, "0") != "" {
		return inspectGroup(user)
	}
	text := "the image runs as root"
	if !numeric && uid != "" && uid != "root" {
		text = fmt.Sprintf("the image runs as %q, which is no number, and may be root", user)
	}
	return []Finding{{recipes.RuleRootUser, "config.User", text}}
}

func inspectGroup(user string) []Finding {
	_, gid, named := strings.Cut(user, ":")
	if named && strings.Trim(gid, "0") == "" {
		return []Finding{{recipes.RuleRootUser, "config.User", "the image runs as group 0"}}
	}
	return nil
}
