package osv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// originFile says where an archive came from, beside it.
const originFile = "origin.json"

// origin is where an archive came from, and what its server said by which to
// ask whether there is another (RFC 9110, section 13).
type origin struct {
	URL          string `json:"url"`
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
	SHA256       string `json:"sha256"`
}

func (o origin) write(dir, sum string) error {
	if o.URL == "" {
		return nil
	}
	o.SHA256 = sum
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, originFile), text, 0o644)
}

// Mirrored is what [Pull] takes.
type Mirrored struct {
	// Base is the URL of a server that has ecosystems as OSV's bucket has, at
	// BASE/ECOSYSTEM/all.zip.
	Base       string
	Ecosystems []string
	// Exploited is the URL of the catalog of exploited vulnerabilities; empty
	// for none.
	Exploited string
}

// Pull mirrors what a server has into the folder dir. What has not changed
// since is not sent again, but for the catalog. An error leaves the folder as
// it was: nothing is replaced before everything is there, and readable.
func Pull(ctx context.Context, client *http.Client, dir string, what Mirrored) ([]Update, error) {
	where, err := checkBase(what.Base)
	if err != nil {
		return nil, err
	}
	s, err := newStaging(dir)
	if err != nil {
		return nil, fmt.Errorf("pulling advisories: %w", err)
	}
	defer s.close()
	for _, e := range once(what.Ecosystems) {
		if !ecosystemForm.MatchString(e) || e == ExploitedName {
			return nil, fmt.Errorf("pulling advisories: %q cannot be an ecosystem's name", e)
		}
		if err := s.pull(ctx, client, where.JoinPath(e, archiveName).String(), e); err != nil {
			return nil, err
		}
	}
	if what.Exploited != "" {
		if _, err := checkBase(what.Exploited); err != nil {
			return nil, err
		}
		if err := s.pull(ctx, client, what.Exploited, ExploitedName); err != nil {
			return nil, err
		}
	}
	done, err := s.commit()
	if err != nil {
		return nil, fmt.Errorf("pulling advisories: %w", err)
	}
	return done, nil
}

// once are the names in their order, each once.
func once(names []string) []string {
	var list []string
	for _, n := range names {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// checkBase refuses what anyone on the way could change: advisories have no
// signature.
func checkBase(from string) (*url.URL, error) {
	u, err := url.Parse(from)
	switch {
	case err != nil:
		return nil, errors.New("pulling advisories: the URL cannot be read")
	case u.User != nil:
		return nil, fmt.Errorf("pulling advisories: %s: credentials have no place in a URL", u.Redacted())
	case exposed(u):
		return nil, fmt.Errorf("pulling advisories: %s: without TLS anyone on the way could take advisories out; want https", from)
	}
	return u, nil
}

// checkWay refuses an answer to which a server without TLS has led.
func checkWay(resp *http.Response) error {
	for ; resp != nil && resp.Request != nil; resp = resp.Request.Response {
		if u := resp.Request.URL; exposed(u) {
			return fmt.Errorf("pulling advisories: the server leads to http://%s: without TLS anyone on the way could take advisories out", u.Host)
		}
	}
	return nil
}

// exposed reports whether what comes from u comes without TLS over a network.
func exposed(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// AbsentError says that a server has nothing of an ecosystem.
type AbsentError struct{ URL string }

func (e *AbsentError) Error() string { return "pulling advisories: there is no " + e.URL }

// Hint is the way out.
func (e *AbsentError) Hint() string {
	return "--ecosystem NAME names those that are there, as Go, Debian, npm, crates.io, PyPI, Maven"
}

func (s *staging) pull(ctx context.Context, client *http.Client, at, ecosystem string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return fmt.Errorf("pulling advisories: %w", err)
	}
	have := s.have(ecosystem, at)
	if have.ETag != "" {
		req.Header.Set("If-None-Match", have.ETag)
	}
	if have.LastModified != "" {
		req.Header.Set("If-Modified-Since", have.LastModified)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("pulling advisories: %w", err)
	}
	defer resp.Body.Close()
	if err := checkWay(resp); err != nil {
		return err
	}
	switch {
	case resp.StatusCode == http.StatusNotModified && have.SHA256 != "":
		return s.keep(ecosystem, have)
	case resp.StatusCode == http.StatusNotFound:
		return &AbsentError{at}
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("pulling advisories: %s: %s", at, resp.Status)
	case resp.ContentLength > maxArchive:
		return fmt.Errorf("pulling advisories: %s has %d bytes, more than %d", at, resp.ContentLength, int64(maxArchive))
	}
	from := origin{URL: at, ETag: resp.Header.Get("ETag"), LastModified: resp.Header.Get("Last-Modified")}
	if ecosystem == ExploitedName {
		from = origin{}
	}
	return s.put(ecosystem, resp.Body, from)
}

// have is where the archive in the folder came from, if that is at and the
// archive is still what came from there.
func (s *staging) have(ecosystem, at string) origin {
	var o origin
	dir := filepath.Join(s.dir, ecosystem)
	text, err := os.ReadFile(filepath.Join(dir, originFile))
	if err != nil || json.Unmarshal(text, &o) != nil || o.URL != at {
		return origin{}
	}
	if sum, err := sumOf(filepath.Join(dir, archiveName)); err != nil || sum != o.SHA256 {
		return origin{}
	}
	return o
}

func sumOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// keep notes an ecosystem that has not changed.
func (s *staging) keep(ecosystem string, have origin) error {
	u := Update{Ecosystem: ecosystem, Unchanged: true, SHA256: have.SHA256}
	var err error
	u.Records, u.Modified, err = check(filepath.Join(s.dir, stored(ecosystem)), ecosystem)
	s.updates = append(s.updates, u)
	return err
}

// trim is the ecosystem that a path ECOSYSTEM/all.zip is of, or the catalog.
func trim(path string) (ecosystem string, ok bool) {
	if path == ExploitedFile {
		return ExploitedName, true
	}
	ecosystem, ok = strings.CutSuffix(path, "/"+archiveName)
	return ecosystem, ok && ecosystemForm.MatchString(ecosystem)
}
