package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/kiln-build/kiln/recipes"
)

// Limits of answers, in bytes.
const (
	maxPage    = 8 << 20
	maxPackage = 128 << 20 // npm lists every version's whole description
	maxRefs    = 32 << 20
)

func (f *Finder) modules(ctx context.Context, path string) ([]Version, error) {
	names, err := f.Modules(ctx, path)
	if err != nil {
		return nil, err
	}
	var list []Version
	for _, name := range names {
		list = append(list, Version{Text: strings.TrimSuffix(strings.TrimPrefix(name, "v"), "+incompatible")})
	}
	return list, nil
}

// npm lists a package's versions that are not deprecated, from the abbreviated
// form of its metadata
// (https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md).
func (f *Finder) npm(ctx context.Context, name string) ([]Version, error) {
	base, err := f.Npm(ctx)
	if err != nil {
		return nil, err
	}
	text, err := f.get(ctx, strings.TrimRight(base, "/")+"/"+strings.Replace(name, "/", "%2f", 1), "application/vnd.npm.install-v1+json", maxPackage)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Versions map[string]struct {
			Deprecated any `json:"deprecated"`
		} `json:"versions"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("reading the registry's answer: %w", err)
	}
	var list []Version
	for v, about := range doc.Versions { // in no order: one is chosen
		said, _ := about.Deprecated.(string)
		old := !semver.IsValid("v"+v) && wellFormed.MatchString(v) // from before the registry asked for semantic versions
		if !old && said == "" && about.Deprecated != true {
			list = append(list, Version{Text: v})
		}
	}
	return list, nil
}

func (f *Finder) page(ctx context.Context, address, expression string) ([]Version, error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, err
	}
	text, err := f.get(ctx, address, "*/*", maxPage)
	if err != nil {
		return nil, err
	}
	var list []Version
	for _, m := range re.FindAllSubmatch(text, -1) {
		list = append(list, Version{Text: string(m[1])})
	}
	if len(list) == 0 {
		return nil, errors.New("the regexp matches nothing on the page")
	}
	return list, nil
}

// Checksums are those that upstream's list at an address has for a file, as
// sha256sum writes such lists: a digest, and a name that may be a path.
func (f *Finder) Checksums(ctx context.Context, address, file string) ([]string, error) {
	text, err := f.get(ctx, address, "*/*", maxPage)
	if err != nil {
		return nil, fmt.Errorf("reading checksums: %w", err)
	}
	var sums []string
	for line := range strings.Lines(string(text)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		name = strings.TrimPrefix(strings.TrimSpace(name), "*")
		if name[strings.LastIndexByte(name, '/')+1:] == file && hexSHA256.MatchString(sum) {
			sums = append(sums, strings.ToLower(sum))
		}
	}
	return sums, nil
}

var hexSHA256 = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// get reads an answer as a whole. One that is longer than the limit is an
// error.
func (f *Finder) get(ctx context.Context, address, accept string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for a page: its URL cannot be read")
	}
	where := req.URL.Redacted()
	if user := req.URL.User; user != nil { // of the registry that is configured
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	req.Header.Set("Accept", accept)
	resp, err := f.HTTP.Do(req)
	if err != nil {
		var repeated *url.Error
		if errors.As(err, &repeated) {
			err = repeated.Err
		}
		return nil, fmt.Errorf("asking %s: %w", where, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %s: %s", where, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", where, err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("asking %s: the answer has more than %d MB", where, limit>>20)
	}
	return text, nil
}

// debian is the one version of a source package that the suite has: that of the
// suite which the recipe takes it from.
func (f *Finder) debian(ctx context.Context, r *recipes.Recipe, name string) ([]Version, error) {
	release, suite := r.Suite, ""
	for _, s := range r.Sources {
		if s.Debian != nil && s.Debian.Package == name && s.Debian.Suite != "" {
			suite = s.Debian.Suite
			release, _, _ = strings.Cut(suite, "-")
		}
	}
	src, err := f.Debian(ctx, release, name, suite)
	if err != nil {
		return nil, err
	}
	return []Version{{Text: upstreamVersion(src.Version), Full: src.Version}}, nil
}

// repacked is what Debian adds to an upstream version: that the tarball was
// made anew, and in native packages where it was uploaded to.
var repacked = regexp.MustCompile(`[+~.-](dfsg|ds|repack|deb|bpo)[0-9+~.]*([a-z]+[0-9]+)?$`)

// upstreamVersion is upstream's part of a Debian version.
func upstreamVersion(v string) string {
	if _, rest, ok := strings.Cut(v, ":"); ok {
		v = rest
	}
	if i := strings.LastIndexByte(v, '-'); i > 0 {
		v = v[:i]
	}
	return repacked.ReplaceAllString(v, "")
}
