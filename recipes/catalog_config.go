package recipes

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// CatalogConfig says what the recipes below a folder are together: where their
// images go, under which tags, who signs them, and what recipes that do not
// say otherwise have.
type CatalogConfig struct {
	// Recipes is the folder below which the recipes are, relative to the
	// file's. Empty is the file's own.
	Recipes string `yaml:"recipes"`
	// Repository is where an image goes: REGISTRY/PATH with ${name}, which
	// stands for the recipe's name.
	Repository string `yaml:"repository" kiln:"required,raw"`
	// Tags are those that an image gets, each one of CatalogTags. Empty is
	// version; the first must be a tag that other versions do not get.
	Tags []string `yaml:"tags" kiln:"single"`
	// Defaults are what a recipe has that does not say otherwise.
	Defaults Defaults `yaml:"defaults"`
	// Snapshot is the time, as 20261119T000000Z, at which the Debian archive is
	// looked at to lock, in place of now: in the snapshot archive, or in mirrors
	// whose URLs have ${snapshot}.
	Snapshot string `yaml:"snapshot" kiln:"scalar"`
	// Sign is who signs; empty is the development key of whoever builds.
	Sign CatalogSign `yaml:"sign"`
	// Owners are those of recipes that name none.
	Owners []string `yaml:"owners" kiln:"single"`
	// EOL says what happens as the end of a version's life comes near.
	EOL CatalogEOL `yaml:"eol"`
}

// Defaults are what recipes of a catalog have that do not say otherwise. They
// become part of the recipe, as if they stood at its end.
type Defaults struct {
	// Suite is the Debian suite.
	Suite string `yaml:"suite"`
	// Platforms are the OCI platforms to build for.
	Platforms []string `yaml:"platforms" kiln:"single"`
}

// CatalogSign is who signs the images of a catalog, and how others verify it:
// the flags of `kiln build` by the same names.
type CatalogSign struct {
	// Key is a key file or the address of a key, to sign with.
	Key string `yaml:"key"`
	// PublicKey is the file of the public key to verify with. Empty is Key with
	// the extension .pub.
	PublicKey string `yaml:"public-key"`
	// Keyless signs as the identity.
	Keyless bool `yaml:"keyless"`
	// Identity and Issuer are the subject and the issuer of certificates,
	// exactly or as regular expressions.
	Identity string `yaml:"certificate-identity"`
	// IdentityRegexp is an expression that the whole subject must match.
	IdentityRegexp string `yaml:"certificate-identity-regexp"`
	Issuer         string `yaml:"certificate-oidc-issuer"`
	// IssuerRegexp is an expression that the whole issuer must match.
	IssuerRegexp string `yaml:"certificate-oidc-issuer-regexp"`
	// TrustedRoot and SigningConfig are files that describe a Sigstore
	// instance.
	TrustedRoot   string `yaml:"trusted-root"`
	SigningConfig string `yaml:"signing-config"`
	// PublicSigstore is Sigstore's public instance, in place of these files.
	PublicSigstore bool `yaml:"public-sigstore"`
}

// CatalogEOL is about versions that upstream mends no more, by their `eol`.
type CatalogEOL struct {
	// Warn is how long before the end `kiln catalog lint` says so, as 90d; that
	// is the default.
	Warn string `yaml:"warn" kiln:"scalar"`
	// Grace is how long after the end a recipe may stay, as 30d; then it is an
	// error, and in an audit a violation. Empty is not at all.
	Grace string `yaml:"grace" kiln:"scalar"`
}

// SnapshotForm is how the snapshot archive writes times, in UTC.
const SnapshotForm = "20060102T150405Z"

// SnapshotTime is Snapshot; the zero time where there is none.
func (c *CatalogConfig) SnapshotTime() time.Time {
	if c == nil {
		return time.Time{}
	}
	t, err := time.Parse(SnapshotForm, c.Snapshot)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Kinds of tags that a catalog's images can have.
const (
	TagVersion = "version"
	TagMinor   = "minor"
	TagMajor   = "major"
	TagDate    = "date"
	TagDigest  = "digest"
	TagLatest  = "latest"
)

// CatalogTags are all kinds of tags: of version 1.28.0 they are 1.28.0, 1.28,
// 1, 1.28.0-20261119 (the day of the newest index of the archive that it was
// locked with), 1.28.0-4f1c… (the first twelve digits of the image's digest)
// and latest.
func CatalogTags() []string {
	return []string{TagVersion, TagMinor, TagMajor, TagDate, TagDigest, TagLatest}
}

// days reads 90d.
func days(s, otherwise string) time.Duration {
	fill(&s, otherwise)
	n, err := strconv.Atoi(strings.TrimSuffix(s, "d"))
	if err != nil {
		return 0
	}
	return time.Duration(n) * 24 * time.Hour
}

// WarnTime is how long before its end a version is warned of.
func (e CatalogEOL) WarnTime() time.Duration { return days(e.Warn, "90d") }

// GraceTime is how long after its end a version may stay.
func (e CatalogEOL) GraceTime() time.Duration { return days(e.Grace, "0d") }

// Verifier is the public key to verify images with: a file, or the address of a
// key; empty where an identity signs, or nobody is named.
func (s CatalogSign) Verifier() string {
	switch {
	case s.PublicKey != "" || s.Keyless || s.Key == "":
		return s.PublicKey
	case strings.Contains(s.Key, ":"):
		return s.Key
	}
	return strings.TrimSuffix(s.Key, ".key") + ".pub"
}

// RepositoryOf is where the images of the recipe with the name go.
func (c *CatalogConfig) RepositoryOf(name string) string {
	return strings.ReplaceAll(c.Repository, "${name}", name)
}

// TagsOf are the tags of the image of r with the lock, the one that no other
// version gets first. DigestTag is not among them.
func (c *CatalogConfig) TagsOf(r *Recipe, l *Lock) []string {
	var tags []string
	for _, kind := range c.kinds() {
		tags = addTag(tags, r, kind, l)
	}
	return tags
}

// kinds are those of the tags.
func (c *CatalogConfig) kinds() []string {
	if len(c.Tags) == 0 {
		return []string{TagVersion}
	}
	return c.Tags
}

func addTag(tags []string, r *Recipe, kind string, l *Lock) []string {
	tag := ""
	switch kind {
	case TagVersion:
		tag = r.Version
	case TagMinor:
		tag = leading(r.Version, 2)
	case TagMajor:
		tag = leading(r.Version, 1)
	case TagDate:
		if day := l.Day(); day != "" {
			tag = r.Version + "-" + day
		}
	case TagLatest:
		tag = TagLatest
	}
	for _, t := range tags {
		if t == r.Tagged(tag) {
			return tags
		}
	}
	if tag == "" {
		return tags
	}
	return append(tags, r.Tagged(tag))
}

// DigestTag is the tag of the image of r that holds its digest, as sixty-four
// hex digits; empty where the catalog has no such tags.
func (c *CatalogConfig) DigestTag(r *Recipe, digest string) string {
	for _, kind := range c.Tags {
		if kind == TagDigest {
			return r.Tagged(fmt.Sprintf("%s-%.12s", r.Version, digest))
		}
	}
	return ""
}

// leading are the first n numbers of a version; empty where it is no release,
// or has no more numbers than that.
func leading(version string, n int) string {
	parts := strings.Split(version, ".")
	if len(parts) <= n {
		return ""
	}
	for _, p := range parts {
		if _, err := strconv.ParseUint(p, 10, 64); err != nil {
			return ""
		}
	}
	return strings.Join(parts[:n], ".")
}

// Day is that of the newest index of the archive that l was locked with, as
// 20261119; empty where it has none.
func (l *Lock) Day() string {
	newest := ""
	for _, a := range l.Archives {
		newest = max(newest, a.Date)
	}
	t, err := time.Parse(time.RFC3339, newest)
	if err != nil {
		return ""
	}
	return t.UTC().Format("20060102")
}

// complete is the recipe's text with the defaults for what it does not say at
// its end. A text that is no recipe is left to the parser.
func (d Defaults) complete(file string, raw []byte) ([]byte, error) {
	if d.Suite == "" && len(d.Platforms) == 0 {
		return raw, nil
	}
	root := parseYAML(&problems{}, raw)
	if root == nil || root.Kind != yaml.MappingNode {
		return raw, nil
	}
	has := map[string]bool{}
	each(root, func(key string, _ *yaml.Node) { has[key] = true })
	var add []byte
	if d.Suite != "" && !has["suite"] {
		add = fmt.Appendf(add, "suite: %s\n", d.Suite)
	}
	if len(d.Platforms) > 0 && !has["platforms"] {
		add = fmt.Appendf(add, "platforms: [%s]\n", strings.Join(d.Platforms, ", "))
	}
	if len(add) > 0 && (root.Style&yaml.FlowStyle != 0 || root.Column != 1) {
		return nil, fmt.Errorf("%s:1:1: %s's defaults can be added only to a recipe whose fields begin its lines", file, ConfigFile)
	}
	if !bytes.HasSuffix(raw, []byte("\n")) && len(add) > 0 {
		add = append([]byte("\n"), add...)
	}
	return append(bytes.Clone(raw), add...), nil
}

// locate makes the paths of c, which are relative to dir, lead there from here.
func (c *CatalogConfig) locate(dir string) {
	for _, p := range []*string{&c.Sign.Key, &c.Sign.PublicKey, &c.Sign.TrustedRoot, &c.Sign.SigningConfig} {
		if *p != "" && !filepath.IsAbs(*p) && !strings.Contains(*p, ":") {
			*p = filepath.Join(dir, *p)
		}
	}
}
