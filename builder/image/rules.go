package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// Finding is one thing about an image that a rule refuses.
type Finding struct {
	Rule, Path, Text string
}

// RefusedError lists the findings that the recipe does not allow.
type RefusedError struct {
	File     string
	Findings []Finding
}

func (e *RefusedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: the image is refused:", e.File)
	for _, f := range e.Findings {
		fmt.Fprintf(&b, "\n  %s: %s: %s", f.Rule, f.Path, f.Text)
	}
	return b.String()
}

// Hint is the way past a rule.
func (e *RefusedError) Hint() string {
	f := e.Findings[0]
	instead := "leave it out"
	if strings.HasPrefix(f.Rule, "no-") {
		instead = "build it with these flags"
	}
	return fmt.Sprintf("%s, or accept it in the recipe: allow: [{rule: %s, path: %s, reason: …}]", instead, f.Rule, f.Path)
}

// Judge returns a [*RefusedError] for the findings that no allow entry of the
// recipe covers.
func Judge(r *recipes.Recipe, findings []Finding) error {
	refused := slices.DeleteFunc(findings, func(f Finding) bool {
		_, allowed := r.Allowed(f.Rule, f.Path)
		return allowed
	})
	if len(refused) == 0 {
		return nil
	}
	return &RefusedError{File: r.File, Findings: refused}
}

// inspect finds what the rules refuse: the user, then variables by name, then
// files by path.
func (a *assembly) inspect() ([]Finding, error) {
	var base []string
	if a.Base != nil {
		c, err := a.Base.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("reading base image: %w", err)
		}
		base = c.Config.Env
	}
	findings := append(inspectUser(a.Recipe), inspectEnv(a.environment(base))...)
	files, err := a.inspectTree()
	return append(findings, files...), err
}

func (a *assembly) inspectTree() ([]Finding, error) {
	var findings []Finding
	for _, e := range a.root.sorted() {
		found, err := inspectEntry(e)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", e.Path, err)
		}
		for _, f := range found {
			if why := a.added[strings.TrimPrefix(e.Owner, recipes.OwnerDebian(""))]; why != "" {
				f.Text += "; its package is there because of " + why
			}
			findings = append(findings, f)
		}
	}
	return findings, nil
}

func inspectUser(r *recipes.Recipe) []Finding {
	uid, gid, _ := strings.Cut(r.Image.User, ":")
	if strings.Trim(uid, "0") != "" && strings.Trim(gid, "0") != "" {
		return nil
	}
	return []Finding{{recipes.RuleRootUser, "image.user", "the image would run as " + r.Image.User}}
}

var (
	secretName  = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL)`)
	pointerName = regexp.MustCompile(`(?i)_(FILE|PATH|DIR)$`)
	secretValue = regexp.MustCompile(`^(AKIA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{36,}|github_pat_\w{22,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|eyJ[\w-]+\.eyJ[\w-]+\..+|-----BEGIN .*PRIVATE KEY-----.*)`)
)

// inspectEnv looks at variables as NAME=value.
func inspectEnv(env []string) []Finding {
	var findings []Finding
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		named := secretName.MatchString(k) && !pointerName.MatchString(k)
		if v != "" && (named || secretValue.MatchString(v)) {
			findings = append(findings, Finding{recipes.RuleEnvSecret, k, "the variable looks like a secret; give it to the container when it runs"})
		}
	}
	return findings
}

var shells = names("sh ash bash bash-static csh dash elvish fish ksh ksh93 lksh mksh mksh-static nu oksh posh pwsh rbash sash tcsh " +
	"xonsh yash zsh zsh-static busybox toybox")

var packageManagers = names("apk apk.static apt apt-get apt-cache aptitude dnf dnf5 dpkg dpkg-deb emerge flatpak microdnf nix nix-env opkg " +
	"pacman rpm snap tdnf xbps-install yum zypper pip npm npx pnpm yarn gem cargo conda uv")

// pip is installed under the names of versions of Python as well.
var pip = regexp.MustCompile(`^pip[0-9.]+$`)

func names(list string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(list) {
		m[n] = true
	}
	return m
}

func inspectEntry(e layer.Entry) ([]Finding, error) {
	var findings []Finding
	add := func(rule, format string, args ...any) {
		findings = append(findings, Finding{rule, e.Path, fmt.Sprintf(format, args...)})
	}
	program := e.Type == tar.TypeSymlink || e.Type == tar.TypeReg && e.Mode&0o111 != 0
	base := path.Base(e.Path)
	switch {
	case program && shells[base]:
		add(recipes.RuleShell, "it is a shell")
	case program && (packageManagers[base] || pip.MatchString(base)):
		add(recipes.RulePackageManager, "it is a package manager")
	}
	switch e.Type {
	case tar.TypeReg:
		found, err := inspectFile(e)
		return append(findings, found...), err
	case tar.TypeDir:
		if e.Mode&0o002 != 0 && e.Mode&0o1000 == 0 {
			add(recipes.RuleWorldWritable, "anyone may write to it (mode %04o)", e.Mode)
		}
	case tar.TypeSymlink:
	default:
		add(recipes.RuleDevice, "it is a device, a pipe or a socket")
	}
	return findings, nil
}

func inspectFile(e layer.Entry) ([]Finding, error) {
	var findings []Finding
	add := func(rule, text string) { findings = append(findings, Finding{rule, e.Path, text}) }
	if e.Mode&0o6000 != 0 {
		add(recipes.RuleSetuid, fmt.Sprintf("it is setuid or setgid (mode %04o)", e.Mode))
	}
	if e.Mode&0o002 != 0 {
		add(recipes.RuleWorldWritable, fmt.Sprintf("anyone may write to it (mode %04o)", e.Mode))
	}
	if e.Capability != "" {
		add(recipes.RuleFileCapability, "it has file capabilities")
	}
	secret, err := HoldsPrivateKey(e)
	if secret {
		add(recipes.RulePrivateKey, "it holds a private key")
	}
	return findings, err
}

// maxKeyFile is the size in bytes up to which a file is searched for a key.
const maxKeyFile = 1 << 20

// newline is a line break, also as JSON writes it, and what may stand before
// the next line's text.
const newline = `[ \t]*(?:\r?\n|\\r\\n|\\n)[ \t>"'+]*`

var privateKey = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----` + newline +
	`(?:[A-Za-z-]+: [^\r\n\\]*` + newline + `)*(?:` + newline + `)*[A-Za-z0-9+/=]{32,}`)

// HoldsPrivateKey searches small text files for a private key in PEM (RFC
// 7468) or OpenPGP armor (RFC 9580, section 6.2), also where it stands
// indented or quoted in YAML or JSON. Programs, which hold the words to
// recognise one, are no text.
func HoldsPrivateKey(e layer.Entry) (bool, error) {
	if e.Open == nil || e.Size > maxKeyFile {
		return false, nil
	}
	r, err := e.Open()
	if err != nil {
		return false, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxKeyFile))
	if err != nil {
		return false, err
	}
	return bytes.Contains(b, []byte("PRIVATE KEY")) && !bytes.Contains(b, []byte{0}) && privateKey.Match(b), nil
}
