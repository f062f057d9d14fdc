package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
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
	return fmt.Sprintf("leave it out, or accept it in the recipe: allow: [{rule: %s, path: %s, reason: …}]", f.Rule, f.Path)
}

// judge returns an error for the findings that no allow entry covers.
func judge(r *recipes.Recipe, findings []Finding) error {
	refused := slices.DeleteFunc(findings, func(f Finding) bool {
		return slices.ContainsFunc(r.Allow, func(a recipes.Allow) bool { return a.Rule == f.Rule && covers(a.Path, f.Path) })
	})
	if len(refused) == 0 {
		return nil
	}
	return &RefusedError{File: r.File, Findings: refused}
}

func covers(pattern, p string) bool {
	if pattern == "" || pattern == p {
		return true
	}
	ok, err := path.Match(pattern, p)
	return err == nil && ok
}

// inspect finds what the rules refuse, by path.
func inspect(r *recipes.Recipe, t *tree) []Finding {
	return append(append(inspectUser(r), inspectEnv(r)...), inspectTree(t)...)
}

func inspectTree(t *tree) []Finding {
	var findings []Finding
	for _, e := range t.sorted() {
		findings = append(findings, inspectEntry(e)...)
	}
	return findings
}

func inspectUser(r *recipes.Recipe) []Finding {
	uid, gid, _ := strings.Cut(r.Image.User, ":")
	if strings.Trim(uid, "0") != "" && strings.Trim(gid, "0") != "" {
		return nil
	}
	return []Finding{{recipes.RuleRootUser, "image.user", "the image would run as " + r.Image.User}}
}

var (
	secretName  = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL)`)
	pointerName = regexp.MustCompile(`(?i)_(FILE|PATH|DIR)$`)
	secretValue = regexp.MustCompile(`^(AKIA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{36,}|github_pat_\w{22,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|eyJ[\w-]+\.eyJ[\w-]+\..+|-----BEGIN .*PRIVATE KEY-----.*)`)
)

func inspectEnv(r *recipes.Recipe) []Finding {
	var findings []Finding
	for _, k := range slices.Sorted(maps.Keys(r.Image.Env)) {
		v := r.Image.Env[k]
		named := secretName.MatchString(k) && !pointerName.MatchString(k)
		if v != "" && (named || secretValue.MatchString(v)) {
			findings = append(findings, Finding{recipes.RuleEnvSecret, k, "the variable looks like a secret; give it to the container when it runs"})
		}
	}
	return findings
}

var shells = names("sh ash bash csh dash fish ksh mksh rbash tcsh zsh busybox toybox")

var packageManagers = names("apk apt apt-get apt-cache aptitude dnf dpkg dpkg-deb microdnf opkg pacman rpm yum zypper pip pip3 npm npx gem cargo")

func names(list string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(list) {
		m[n] = true
	}
	return m
}

func inspectEntry(e layer.Entry) []Finding {
	var findings []Finding
	add := func(rule, format string, args ...any) {
		findings = append(findings, Finding{rule, e.Path, fmt.Sprintf(format, args...)})
	}
	program := e.Type == tar.TypeSymlink || e.Type == tar.TypeReg && e.Mode&0o111 != 0
	base := path.Base(e.Path)
	switch {
	case program && shells[base]:
		add(recipes.RuleShell, "it is a shell")
	case program && packageManagers[base]:
		add(recipes.RulePackageManager, "it is a package manager")
	}
	switch e.Type {
	case tar.TypeReg:
		findings = append(findings, inspectFile(e)...)
	case tar.TypeDir:
		if e.Mode&0o002 != 0 && e.Mode&0o1000 == 0 {
			add(recipes.RuleWorldWritable, "anyone may write to it (mode %04o)", e.Mode)
		}
	case tar.TypeSymlink:
	default:
		add(recipes.RuleDevice, "it is a device, a pipe or a socket")
	}
	return findings
}

func inspectFile(e layer.Entry) []Finding {
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
	if holdsPrivateKey(e) {
		add(recipes.RulePrivateKey, "it holds a private key")
	}
	return findings
}

// maxKeyFile is the size in bytes up to which a file is searched for a key.
const maxKeyFile = 1 << 20

var privateKey = regexp.MustCompile(`(?m)^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\r?\n[A-Za-z0-9+/=:,\- \r\n]{32,}`)

// holdsPrivateKey searches small text files for a PEM private key (RFC 7468).
// Programs, which hold the words to recognise one, are no text.
func holdsPrivateKey(e layer.Entry) bool {
	if e.Open == nil || e.Size > maxKeyFile {
		return false
	}
	r, err := e.Open()
	if err != nil {
		return false
	}
	defer r.Close()
	b := make([]byte, e.Size)
	if _, err := io.ReadFull(r, b); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	return !bytes.Contains(b, []byte{0}) && privateKey.Match(b)
}
