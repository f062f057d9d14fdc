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
// whatever its recipe allows: those of recipes.PolicyRules that can be seen in
// it.
func Inspect(img v1.Image) ([]Finding, error) {
	c, err := Examine(img)
	if err != nil {
		return nil, err
	}
	return c.Findings, nil
}

// Contents is what can be seen in a finished image, whoever made it.
type Contents struct {
	// Findings are what rules refuse, as [Inspect] has them.
	Findings []Finding
	// Packages are those that dpkg's database in the image names, without the
	// archive that they are from. Unread is why there are none, where it cannot
	// be read.
	Packages []recipes.Package
	Unread   string
	// Distribution and Codename are what the image's os-release(5) says, such as
	// debian and trixie; empty where it has none.
	Distribution, Codename string
}

// Examine looks into a finished image. All its layers are read.
func Examine(img v1.Image) (*Contents, error) {
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
	c := &Contents{}
	if c.Findings, err = inspectFound(config.Config, entries); err != nil {
		return nil, err
	}
	if c.Packages, err = installed(entries); err != nil {
		c.Packages, c.Unread = nil, err.Error()
	}
	c.Distribution, c.Codename, err = osOf(entries)
	return c, err
}

func inspectFound(config v1.Config, entries []layer.Entry) ([]Finding, error) {
	passwd, err := contentOf(entries, "/etc/passwd")
	if err != nil {
		return nil, fmt.Errorf("inspecting image: %w", err)
	}
	findings := append(inspectConfigured(config.User, passwd), inspectEnv(config.Env)...)
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
	return beginning(entries[i], 1<<20)
}

// beginning is what a file holds, up to a number of bytes.
func beginning(e layer.Entry, most int64) (string, error) {
	r, err := e.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, most))
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
