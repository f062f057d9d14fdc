package recipes

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The forms that names and digests have.
var (
	// A part of a tag and of a file's name.
	variantForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	// A component of a repository name (OCI distribution-spec, "Pulling
	// manifests").
	nameForm = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$`)
	// A tag (the same).
	tagForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	// Debian Policy 5.6.1 and 5.6.12; suites are codenames, with a suffix in
	// the archive.
	debianName    = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	debianVersion = regexp.MustCompile(`^([0-9]+:)?[0-9][A-Za-z0-9.+~:-]*$`)
	debianArch    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	codename      = regexp.MustCompile(`^[a-z]+$`)
	archiveSuite  = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

	sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)
	commitForm = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	// h1 is the hash of golang.org/x/mod/sumdb/dirhash.
	h1Form      = regexp.MustCompile(`^h1:[A-Za-z0-9+/]{43}=$`)
	envForm     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	makeVarForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	// Options of CMake ("NAME:TYPE") and Meson ("subproject:name").
	optionForm  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.:+-]*$`)
	wordForm    = regexp.MustCompile(`^[A-Za-z0-9_@./+][^\s,]*$`)
	programForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)
	ownerForm   = regexp.MustCompile(`^@?[A-Za-z0-9][A-Za-z0-9._+/@-]*( [A-Za-z0-9._+/@-]+)*$`)
	varForm     = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	buildTag    = regexp.MustCompile(`^[A-Za-z0-9_.]+$`)
	toolForm    = regexp.MustCompile(`^[0-9]+(\.[0-9]+){0,2}$`)
	userForm    = regexp.MustCompile(`^(0|[1-9][0-9]{0,9}):(0|[1-9][0-9]{0,9})$`)
	portForm    = regexp.MustCompile(`^([1-9][0-9]{0,4})(/(tcp|udp))?$`)
	// RFC 9110, section 5.6.2, "Tokens".
	methodForm = regexp.MustCompile(`^[A-Z][A-Z0-9!#$%&'*+.^_|~-]{0,31}$`)
	headerForm = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]+$`)
	modeForm   = regexp.MustCompile(`^0?[0-7]{3,4}$`)
	memoryForm = regexp.MustCompile(`^([1-9][0-9]{0,14})(Ki|Mi|Gi|Ti|k|M|G|T)?$`)
	cpuForm    = regexp.MustCompile(`^([0-9]{1,4}(\.[0-9]{1,3})?|[1-9][0-9]{0,6}m)$`)
	realTime   = regexp.MustCompile(`^SIGRT(MIN\+[1-9][0-9]?|MAX-[1-9][0-9]?|MIN|MAX)$`)
)

// platforms are those that kiln knows, as os/arch.
func platforms() []string { return []string{"linux/amd64", "linux/arm64"} }

// archives are the Debian archives that kiln knows.
func archives() []string { return []string{"debian", "debian-security"} }

// isAbsolute reports whether p is an absolute, clean path below the root.
func isAbsolute(p string) bool {
	return p != "/" && path.IsAbs(p) && path.Clean(p) == p && !hasControl(p)
}

// isBelow reports whether p is relative and leads nowhere out of its folder,
// not even on the way.
func isBelow(p string) bool {
	return !path.IsAbs(p) && !hasControl(p) && !strings.Contains(p, `\`) &&
		!slices.Contains(strings.Split(p, "/"), "..")
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return isControl(r) || r == '\n' || r == '\t' })
}

// checkURL says why s is no URL with one of the schemes, or with a password.
func checkURL(s string, schemes ...string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || strings.ContainsAny(s, " \n\t"):
		return fmt.Errorf("is not a URL")
	case !slices.Contains(schemes, u.Scheme):
		return fmt.Errorf("does not begin with %s://", strings.Join(schemes, ":// or "))
	case u.User != nil && (u.Scheme != "ssh" || hasPassword(u)):
		return fmt.Errorf("holds credentials")
	}
	return nil
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has
}

// isUTC reports whether s is a time of RFC 3339 in UTC.
func isUTC(s string) bool {
	_, err := time.Parse("2006-01-02T15:04:05Z", s)
	return err == nil
}
