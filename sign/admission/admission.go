// Package admission writes what other programs need to hold images to a policy
// where they are pulled or admitted: Sigstore's policy-controller, Kyverno, and
// whatever reads containers/image's policy.json (podman, skopeo, CRI-O).
//
// These know signatures and statements, and little of what is in them: what
// they cannot be told, [LeftOut] names, and `kiln verify` checks. The package
// reads no files and asks no cluster. Start at [Policy].
package admission

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// Policy is what can be said to others.
type Policy struct {
	// Scope is the registry, or the folder of a registry, whose images it is
	// about: registry.corp/platform.
	Scope string
	// Keys are the public keys, in PEM, and Certificates the identities, any of
	// which must have signed. Material is what to trust for the latter.
	Keys         []string
	Certificates []sign.CertificateIdentity
	Material     sign.Material
	// Statements are the predicate types that the same must have signed.
	Statements []string
	// Rebuilders are the public keys, in PEM, of builders, and Rebuilds how many
	// of them must have signed a rebuild statement, of type RebuildType.
	Rebuilders  []string
	Rebuilds    int
	RebuildType string
}

// Formats are the names of what can be written.
func Formats() []string { return []string{"policy-controller", "kyverno", "containers"} }

// File is one file that is written.
type File struct {
	// Name is its path below a folder of the reader's.
	Name string
	Text []byte
}

// scopeForm is host[:port][/folder...], as in an image's name.
var scopeForm = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)

// Check tells what keeps p from being written. It fails closed: a policy that
// names nobody is none.
func (p Policy) Check() error {
	switch {
	case !scopeForm.MatchString(p.Scope):
		return fmt.Errorf("%q is no registry and no folder of one, as registry.corp/platform", p.Scope)
	case len(p.Keys)+len(p.Certificates) == 0:
		return errors.New("the policy names nobody who may sign")
	case len(p.Certificates) > 0 && len(p.Material.Authorities) == 0:
		return errors.New("nothing says which authority certifies the policy's identities")
	}
	for _, c := range p.Certificates {
		if err := c.Check(); err != nil {
			return err
		}
	}
	return nil
}

// checkRebuilds tells what keeps others from counting as kiln verify does: who
// signs images is no second builder, and nobody is two.
func (p Policy) checkRebuilds() error {
	if p.Rebuilds == 0 {
		return nil
	}
	seen := slices.Clone(p.Keys)
	for _, k := range p.Rebuilders {
		if slices.Contains(seen, k) {
			return errors.New("a builder whose rebuilds count is named twice, or may sign images as well: others would count such a one in full")
		}
		seen = append(seen, k)
	}
	if p.Rebuilds > len(p.Rebuilders) {
		return fmt.Errorf("%d rebuilds are asked for, of %d builders", p.Rebuilds, len(p.Rebuilders))
	}
	return nil
}

// Write is p in one of the Formats.
func Write(format string, p Policy) ([]File, error) {
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("exporting policy: %w", err)
	}
	write, ok := map[string]func(Policy) ([]File, error){
		"policy-controller": policyController, "kyverno": kyverno, "containers": containers,
	}[format]
	if !ok {
		return nil, fmt.Errorf("exporting policy: unknown format %q: there are %s", format, strings.Join(Formats(), ", "))
	}
	files, err := write(p)
	if err != nil {
		return nil, fmt.Errorf("exporting policy: %w", err)
	}
	return files, nil
}

// LeftOut are the parts of p that the format has no words for, where its
// certificates are those of an instance that is trusted as m says.
func LeftOut(format string, p *recipes.Policy, m sign.Material) []string {
	var out []string
	add := func(name string, there bool) {
		if there {
			out = append(out, name)
		}
	}
	certified := slices.ContainsFunc(p.Identities, recipes.PolicyIdentity.Certified)
	add("transparency logs, since timestamps are asked for", certified && format != "containers" && stamped(m) && len(m.Logs) > 0)
	add("statements", format == "containers")
	add("builders", len(p.Builders) > 0)
	add("bases", len(p.Bases) > 0)
	add("sources", len(p.Sources) > 0)
	add("deny-licenses", len(p.DenyLicenses) > 0)
	add("refuse", len(p.Refuse) > 0)
	add("max-age", p.MaxAge != "")
	add("max-size", p.MaxSize != "")
	add("min-coverage", p.MinCoverage != nil)
	if r := p.Rebuilds; r != nil {
		some := r.Count > 1 && r.Count < len(r.By)
		add("rebuilds", format == "containers" || format == "policy-controller" && some)
	}
	add("vulnerabilities", p.Vulnerabilities != nil)
	return out
}

// name is what the policy is called in a cluster, of letters, digits and
// dashes (RFC 1123).
func (p Policy) name() string {
	text := strings.ToLower(p.Scope)
	text = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(text, "-")
	text = strings.Trim(text, "-")
	if len(text) > 50 {
		text = strings.Trim(text[len(text)-50:], "-")
	}
	return "kiln-" + cmp.Or(text, "images")
}

// shortName is what people call a statement, for naming it in a cluster.
func shortName(predicateType string) string {
	short := path.Base(predicateType)
	if slices.Contains([]string{"v1", "ns"}, short) || strings.HasPrefix(short, "v0") {
		short = path.Base(path.Dir(predicateType))
	}
	short = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(short), "-")
	return strings.Trim(short, "-")
}
