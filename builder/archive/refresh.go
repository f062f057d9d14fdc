package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// stored is the kept answer of a mirror to the request for an InRelease. What
// it holds is verified anew each time it is used.
type stored struct {
	// Fetched is when a mirror last said that this is the current one.
	Fetched      time.Time
	ETag         string `json:",omitempty"`
	LastModified string `json:",omitempty"`
	Raw          []byte
}

// release returns the verified current InRelease of a suite: the kept one
// where it is young enough or the mirror has no other, else a new one.
func (c *Client) release(ctx context.Context, archive, suite string) (*release, error) {
	var errs []error
	absent := 0
	for _, base := range c.mirrors[archive] {
		r, err := c.releaseFrom(ctx, base, archive, suite)
		if err == nil {
			return r, nil
		}
		var status *statusError
		if errors.As(err, &status) && status.code == http.StatusNotFound {
			absent++
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	if absent == len(c.mirrors[archive]) {
		return nil, fmt.Errorf("%w: %w", errAbsent, errors.Join(errs...))
	}
	return nil, errors.Join(errs...)
}

// errAbsent says that every mirror answered, and none has the suite.
var errAbsent = errors.New("no mirror has it")

func (c *Client) releaseFrom(ctx context.Context, base, archive, suite string) (*release, error) {
	file := c.releaseFile(base, suite)
	kept := readStored(file)
	old, _ := c.verify(kept.Raw, archive, suite)
	now := c.now()
	if old != nil && now.Sub(kept.Fetched) < c.maxAge && !kept.Fetched.After(now) {
		return old, nil
	}
	if old == nil {
		kept = stored{}
	}
	got, err := c.askRelease(ctx, base+"/dists/"+suite+"/InRelease", kept)
	if err != nil {
		return nil, err
	}
	r, err := c.verify(got.Raw, archive, suite)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", redact(base), err)
	}
	if old != nil && r.date.Before(old.date) {
		// The mirror went back in time: it is out of step with itself, or
		// someone replays an old state.
		return old, nil
	}
	return r, writeJSON(file, got)
}

func (c *Client) verify(raw []byte, archive, suite string) (*release, error) {
	return verifyRelease(raw, c.keys, archive, suite, c.now())
}

// askRelease asks for an InRelease unless it is the kept one still.
func (c *Client) askRelease(ctx context.Context, url string, kept stored) (stored, error) {
	h := http.Header{}
	if kept.ETag != "" {
		h.Set("If-None-Match", kept.ETag)
	}
	if kept.LastModified != "" {
		h.Set("If-Modified-Since", kept.LastModified)
	}
	var got stored
	err := c.retry(ctx, func() error {
		body, header, err := c.getBytes(ctx, url, h, maxInRelease)
		if err != nil {
			return err
		}
		got = stored{Raw: body, ETag: header.Get("ETag"), LastModified: header.Get("Last-Modified")}
		return nil
	})
	var status *statusError
	if errors.As(err, &status) && status.code == http.StatusNotModified {
		got, err = kept, nil
	}
	got.Fetched = c.now()
	return got, err
}

// releaseFile is where a mirror's InRelease is kept. The mirror is part of the
// name because two mirrors may be at different times of the archive.
func (c *Client) releaseFile(base, suite string) string {
	return filepath.Join(c.dir, "release", hashOf(base+"/"+suite)+".json")
}

func readStored(file string) stored {
	var s stored
	b, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(b, &s) != nil {
		return stored{} // as if it were not there: it is only a cache
	}
	return s
}

func writeJSON(file string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFile(file, b)
}

// writeFile puts b in file at once, so that another process reads the old
// content or the new.
func writeFile(file string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
	_, err = tmp.Write(b)
	if err2 := tmp.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}
