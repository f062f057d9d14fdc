package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// table returns a suite's index as a table: the kept one, or one made from
// what the mirrors have.
func (c *Client) table(ctx context.Context, r *release, paths []string,
	rows func([]byte) ([]string, error), aliases func(string) []string,
) (*table, error) {
	var sums []string
	for _, p := range paths {
		f, ok := r.files[p+".xz"]
		if !ok {
			return nil, fmt.Errorf("InRelease does not list %s.xz", p)
		}
		sums = append(sums, f.sha256)
	}
	file := filepath.Join(c.dir, "index", hashOf(strings.Join(sums, "+")))
	if b, err := os.ReadFile(file); err == nil {
		if t, err := openTable(b); err == nil {
			return t, nil
		}
	}
	var all []string
	for _, p := range paths {
		text, err := c.indexText(ctx, r, p)
		if err != nil {
			return nil, err
		}
		some, err := rows(text)
		if err != nil {
			return nil, fmt.Errorf("parsing %s: %w", p, err)
		}
		all = append(all, some...)
	}
	b, err := makeTable(all, aliases)
	if err != nil {
		return nil, err
	}
	if err := writeFile(file, b); err != nil {
		return nil, err
	}
	return openTable(b)
}

// Limits of an index: some ten times what Debian's largest has.
const (
	maxIndexXZ = 128 << 20
	maxIndex   = 1 << 30
)

// indexText gets p.xz, verifies it against the release and unpacks it.
func (c *Client) indexText(ctx context.Context, r *release, p string) ([]byte, error) {
	f := r.files[p+".xz"]
	if f.size > maxIndexXZ {
		return nil, fmt.Errorf("%s.xz is %d bytes, more than %d", p, f.size, maxIndexXZ)
	}
	packed, err := c.getIndex(ctx, r, p+".xz", f)
	if err != nil {
		return nil, err
	}
	limit := int64(maxIndex)
	if plain, ok := r.files[p]; ok && plain.size < limit {
		limit = plain.size
	}
	z, err := newXZ(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpacking %s.xz: %w", p, err)
	}
	text, err := readLimited(z, limit, int(min(limit, 8*f.size)))
	if err != nil {
		return nil, fmt.Errorf("unpacking %s.xz: %w", p, err)
	}
	return text, nil
}

// getIndex gets an index by its digest, where the archive offers that, so
// that a mirror update between two requests does no harm; else by its name.
func (c *Client) getIndex(ctx context.Context, r *release, p string, f indexFile) ([]byte, error) {
	dir := "dists/" + r.suite + "/"
	places := []string{dir + p}
	if r.byHash {
		places = []string{dir + p[:strings.LastIndexByte(p, '/')+1] + "by-hash/SHA256/" + f.sha256, dir + p}
	}
	var errs []error
	for _, base := range c.mirrors[r.archive] {
		for _, place := range places {
			b, err := c.getVerified(ctx, base+"/"+place, f)
			if err == nil {
				return b, nil
			}
			errs = append(errs, err)
			if ctx.Err() != nil {
				return nil, errors.Join(errs...)
			}
		}
	}
	return nil, errors.Join(errs...)
}

// getVerified gets a file into memory.
func (c *Client) getVerified(ctx context.Context, url string, f indexFile) ([]byte, error) {
	var out []byte
	err := c.retry(ctx, func() error {
		b, _, err := c.getBytes(ctx, url, nil, f.size)
		if err != nil {
			return err
		}
		if int64(len(b)) != f.size || hashOf(string(b)) != f.sha256 {
			return finalError{fmt.Errorf("getting %s: its sha256 is not what InRelease says", redact(url))}
		}
		out = b
		return nil
	})
	return out, err
}
