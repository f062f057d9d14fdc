package archive

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// HostMirrors returns the mirrors of the Debian archive that apt is configured
// with below root ("/"), by archive and in apt's order: those that apt reads a
// Debian suite's main component from over http or https, at a path that ends
// in debian or debian-security. Other repositories are passed over; should one
// look like Debian's, its InRelease does not verify and the next mirror is
// asked. Without any the map is empty.
func HostMirrors(root string) (map[string][]string, error) {
	files := []string{filepath.Join(root, "etc/apt/sources.list")}
	for _, ext := range []string{"*.list", "*.sources"} {
		some, err := filepath.Glob(filepath.Join(root, "etc/apt/sources.list.d", ext))
		if err != nil {
			return nil, fmt.Errorf("reading apt's sources: %w", err)
		}
		files = append(files, some...)
	}
	mirrors := map[string][]string{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading apt's sources: %w", err)
		}
		parse := listEntries
		if strings.HasSuffix(file, ".sources") {
			parse = stanzaEntries
		}
		for _, e := range parse(b) {
			e.addTo(mirrors)
		}
	}
	return mirrors, nil
}

// aptSource is one entry of apt's sources (sources.list(5)).
type aptSource struct {
	uris, suites, components []string
}

// listEntries reads the one-line style. Lines that it cannot read are not
// Debian's archive.
func listEntries(b []byte) []aptSource {
	var out []aptSource
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if kind != "deb" {
			continue
		}
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			_, rest, _ = strings.Cut(rest, "]")
		}
		if f := strings.Fields(rest); len(f) >= 3 {
			out = append(out, aptSource{uris: f[:1], suites: f[1:2], components: f[2:]})
		}
	}
	return out
}

// stanzaEntries reads the deb822 style.
func stanzaEntries(b []byte) []aptSource {
	var out []aptSource
	s := stanzas{rest: b}
	for st := s.next(); st != nil; st = s.next() {
		f, err := parseStanza(st)
		if err != nil || strings.EqualFold(f["enabled"], "no") || !slices.Contains(strings.Fields(f["types"]), "deb") {
			continue
		}
		out = append(out, aptSource{
			uris: strings.Fields(f["uris"]), suites: strings.Fields(f["suites"]),
			components: strings.Fields(f["components"]),
		})
	}
	return out
}

func (a aptSource) addTo(mirrors map[string][]string) {
	if !slices.Contains(a.components, "main") {
		return
	}
	for _, uri := range a.uris {
		for _, suite := range a.suites {
			name, base := mirrorOf(uri, suite)
			if name != "" && !slices.Contains(mirrors[name], base) {
				mirrors[name] = append(mirrors[name], base)
			}
		}
	}
}

// mirrorOf returns which archive a mirror serves, or nothing.
func mirrorOf(uri, suite string) (name, base string) {
	u, err := url.Parse(uri)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || !isDebianSuite(suite) {
		return "", ""
	}
	base = strings.TrimRight(uri, "/")
	path := strings.TrimRight(u.Path, "/")
	switch {
	case strings.HasSuffix(path, "debian-security"), strings.HasSuffix(suite, "-security"):
		return Security, base
	case strings.HasSuffix(path, "/debian"):
		return Debian, base
	}
	return "", ""
}

// isDebianSuite knows the names of Debian's suites since 2019. A name that is
// missing here is only not found on the host; it can be configured.
func isDebianSuite(suite string) bool {
	release, pocket, _ := strings.Cut(suite, "-")
	releases := []string{
		"stable", "oldstable", "oldoldstable", "testing", "unstable", "sid",
		"buster", "bullseye", "bookworm", "trixie", "forky", "duke",
	}
	pockets := []string{"", "updates", "security", "backports", "proposed-updates"}
	return slices.Contains(releases, release) && slices.Contains(pockets, pocket)
}
