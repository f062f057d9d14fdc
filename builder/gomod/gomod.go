// Package gomod fetches Go modules as the go command does: from the proxies
// that GOPROXY names, verified by the checksum database that GOSUMDB names.
//
// It chooses no versions and reads no dependencies. Start at
// [Client.Resolve].
package gomod

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/kiln-build/kiln/builder/blobs"
)

// Client fetches modules. Its fields mirror the go command's environment
// (https://go.dev/ref/mod#environment-variables).
type Client struct {
	// Proxy is GOPROXY: proxies in order, separated by comma or bar.
	Proxy string
	// NoProxy is GONOPROXY, or GOPRIVATE: globs of modules whose names no
	// proxy may learn. They are not fetched.
	NoProxy string
	// SumDB is GOSUMDB: a database's name or its verifier key, and perhaps a
	// URL to reach it by; or "off".
	SumDB string
	// NoSumDB is GONOSUMDB, or GOPRIVATE: globs of modules that no checksum
	// database knows.
	NoSumDB string
	// Cache keeps zips; Dir what the checksum database has said, and which
	// zip has which sum.
	Cache *blobs.Store
	Dir   string
	HTTP  *http.Client
}

// Module is a fetched and verified module.
type Module struct {
	Path, Version string
	// Sum is the h1: hash of the module's content, GoMod that of its go.mod.
	Sum, GoMod string
	// Time is when the version was made, by the proxy's word.
	Time time.Time
}

// Resolve finds what a module version is: its hashes, verified by the checksum
// database, and its time. The zip is in the cache afterwards.
func (c *Client) Resolve(ctx context.Context, modpath, version string) (Module, error) {
	m := Module{Path: modpath, Version: version}
	if err := c.resolve(ctx, &m); err != nil {
		return Module{}, fmt.Errorf("resolving Go module %s@%s: %w", modpath, version, err)
	}
	return m, nil
}

func (c *Client) resolve(ctx context.Context, m *Module) error {
	var info struct{ Time time.Time }
	raw, err := c.get(ctx, m.Path, m.Version, ".info", 1<<20)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return fmt.Errorf("reading the proxy's .info: %w", err)
	}
	m.Time = info.Time
	gomod, err := c.get(ctx, m.Path, m.Version, ".mod", 16<<20)
	if err != nil {
		return err
	}
	m.GoMod, err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(gomod))), nil
	})
	if err != nil {
		return err
	}
	if m.Sum, err = c.sum(ctx, m.Path, m.Version); err != nil {
		return err
	}
	if err := c.verify(ctx, *m); err != nil {
		return err
	}
	return writeFile(c.note("version", m.Path+"@"+m.Version), []byte(m.Sum))
}

// sum is the module's hash: that which was verified before, if its zip is
// still there, else that of the zip which the proxy has.
func (c *Client) sum(ctx context.Context, modpath, version string) (string, error) {
	if s, err := os.ReadFile(c.note("version", modpath+"@"+version)); err == nil && c.known(string(s)) != "" {
		return string(s), nil
	}
	_, sum, err := c.download(ctx, modpath, version)
	return sum, err
}

// Zip returns the path of the module's zip file in the cache, fetched where it
// is not there. Its content has the h1: hash sum, or it is an error.
func (c *Client) Zip(ctx context.Context, modpath, version, sum string) (string, error) {
	if p := c.known(sum); p != "" {
		return p, nil
	}
	p, got, err := c.download(ctx, modpath, version)
	if err != nil {
		return "", fmt.Errorf("fetching Go module %s@%s: %w", modpath, version, err)
	}
	if got != sum {
		return "", fmt.Errorf("fetching Go module %s@%s: its hash is %s, the lock has %s", modpath, version, got, sum)
	}
	return p, nil
}

// Adopt takes the zip with the sha256 hexsum, which is in the cache already,
// for the module. Its content must have the h1: hash sum.
func (c *Client) Adopt(modpath, version, sum, hexsum string) error {
	got, err := c.take(hexsum, modpath, version)
	if err == nil && got != sum {
		return fmt.Errorf("reading module zip of %s@%s: its hash is %s, the lock has %s", modpath, version, got, sum)
	}
	return err
}

// download fetches the zip and takes it.
func (c *Client) download(ctx context.Context, modpath, version string) (file, sum string, err error) {
	body, err := c.open(ctx, modpath, version, ".zip")
	if err != nil {
		return "", "", err
	}
	defer body.Close()
	hexsum, _, err := c.Cache.Put(&limited{r: body, left: modzip.MaxZipFile}, "")
	if err != nil {
		return "", "", err
	}
	sum, err = c.take(hexsum, modpath, version)
	return c.Cache.Path(hexsum), sum, err
}

// take checks the form of a zip that is in the cache, and remembers it by its
// h1: hash, which it returns.
func (c *Client) take(hexsum, modpath, version string) (sum string, err error) {
	file := c.Cache.Path(hexsum)
	if err := checkZip(file, modpath, version); err != nil {
		return "", fmt.Errorf("reading module zip: %w", err)
	}
	if sum, err = dirhash.HashZip(file, dirhash.Hash1); err != nil {
		return "", fmt.Errorf("reading module zip: %w", err)
	}
	return sum, writeFile(c.note("sum", sum), []byte(hexsum))
}

// checkZip holds the zip against the rules for module zips, by which nothing
// in it is outside path@version/ or too large
// (https://go.dev/ref/mod#zip-path-size-constraints).
func checkZip(file, modpath, version string) error {
	checked, err := modzip.CheckZip(module.Version{Path: modpath, Version: version}, file)
	if err == nil {
		err = checked.Err()
	}
	return err
}

// note is the file that remembers something of kind about key.
func (c *Client) note(kind, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(c.Dir, kind, hex.EncodeToString(sum[:]))
}

// known returns the cached zip with the sum, or "".
func (c *Client) known(sum string) string {
	hexsum, err := os.ReadFile(c.note("sum", sum))
	if err != nil || !c.Cache.Has(string(hexsum), -1) {
		return ""
	}
	return c.Cache.Path(string(hexsum))
}

func (c *Client) verify(ctx context.Context, m Module) error {
	if c.SumDB == "off" || module.MatchPrefixPatterns(c.NoSumDB, m.Path) {
		return nil
	}
	ops, err := newSumOps(ctx, c)
	if err != nil {
		return err
	}
	db := sumdb.NewClient(ops)
	for _, want := range []struct{ version, sum string }{{m.Version, m.Sum}, {m.Version + "/go.mod", m.GoMod}} {
		lines, err := db.Lookup(m.Path, want.version)
		if err != nil {
			return fmt.Errorf("asking checksum database %s: %w", ops.name, ops.explain(err))
		}
		if line := m.Path + " " + want.version + " " + want.sum; !slices.Contains(lines, line) {
			return fmt.Errorf("checksum database %s has another hash than the proxy's %q: %q", ops.name, line, lines)
		}
	}
	return nil
}

// get reads a small file of a version.
func (c *Client) get(ctx context.Context, modpath, version, suffix string, limit int64) ([]byte, error) {
	body, err := c.open(ctx, modpath, version, suffix)
	if err != nil {
		return nil, err
	}
	return readLimited(body, limit)
}

// readLimited reads the whole body, and closes it.
func readLimited(body io.ReadCloser, limit int64) ([]byte, error) {
	defer body.Close()
	return io.ReadAll(&limited{r: body, left: limit})
}

// open asks the proxies in order (https://go.dev/ref/mod#goproxy-protocol).
func (c *Client) open(ctx context.Context, modpath, version, suffix string) (io.ReadCloser, error) {
	escaped, err := c.escape(modpath)
	if err != nil {
		return nil, err
	}
	v, err := module.EscapeVersion(version)
	if err != nil {
		return nil, err
	}
	return c.fromProxies(ctx, path.Join(escaped, "@v", v+suffix))
}

// escape is the module's path as proxies have it; some may not learn it.
func (c *Client) escape(modpath string) (string, error) {
	if module.MatchPrefixPatterns(c.NoProxy, modpath) {
		return "", errors.New("GONOPROXY or GOPRIVATE keeps it from proxies; use a git source, or set GONOPROXY=none where the proxy may have it")
	}
	return module.EscapePath(modpath)
}

var errGone = errors.New("not found")

func (c *Client) fromProxies(ctx context.Context, file string) (io.ReadCloser, error) {
	var errs []error
	for rest := c.Proxy; rest != ""; {
		proxy, sep := rest, byte(',')
		if i := strings.IndexAny(rest, ",|"); i >= 0 {
			proxy, sep, rest = rest[:i], rest[i], rest[i+1:]
		} else {
			rest = ""
		}
		switch proxy {
		case "", "direct": // a repository is the git source's business
			continue
		case "off":
			return nil, errors.Join(append(errs, errors.New("GOPROXY says off"))...)
		}
		body, err := c.request(ctx, proxy, file)
		if err == nil {
			return body, nil
		}
		errs = append(errs, err)
		if sep == ',' && !errors.Is(err, errGone) {
			break // after a comma only "not found" goes on to the next
		}
	}
	if len(errs) == 0 {
		return nil, errors.New("GOPROXY names no proxy; set it to your module proxy's URL")
	}
	return nil, errors.Join(errs...)
}

func (c *Client) request(ctx context.Context, base, file string) (io.ReadCloser, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, errors.New("GOPROXY holds something that is no URL")
	}
	// Credentials go into a header, so that no error can show them.
	user := u.User
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	where := u.String()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath(file).String(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", where, err)
	}
	if user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", where, cause(err))
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return resp.Body, nil
	case http.StatusNotFound, http.StatusGone:
		err = errGone
	default:
		err = errors.New(resp.Status)
	}
	resp.Body.Close() // nothing was read
	return nil, fmt.Errorf("asking %s for %s: %w", where, file, err)
}

// cause drops what an HTTP client's error repeats of the request.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// limited fails, rather than ends, after left bytes.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n, errors.New("answer is over the size limit")
	}
	return n, err
}

// writeFile replaces a file as a whole.
func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	if _, err := f.Write(data); err != nil {
		f.Close() // the write's error says more
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
