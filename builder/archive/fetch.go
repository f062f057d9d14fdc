package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/recipes"
)

// File is a file of the archive to download.
type File struct {
	// Archive is "debian" or "debian-security"; Path is below its base URL.
	Archive, Path string
	// Size is in bytes, SHA256 is hex.
	Size   int64
	SHA256 string
	// For says in errors what the file is for: a package and its version.
	// Where it is empty the file's name stands for it.
	For string
}

func (f File) what() string { return cmp.Or(f.For, path.Base(f.Path)) }

// FilesOf returns the .debs of packages.
func FilesOf(packages []recipes.Package) []File {
	out := make([]File, len(packages))
	for i, p := range packages {
		out[i] = File{
			Archive: p.Archive, Path: p.Path, Size: p.Size, SHA256: p.SHA256,
			For: p.Name + " " + p.Version,
		}
	}
	return out
}

// MissingError says that no mirror which answers has a file.
type MissingError struct {
	// Package is what the file is for: a name and a version.
	Package string
	Path    string
	// Tried are the mirrors that were asked.
	Tried []string
	// Err is what they answered.
	Err error
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("downloading %s: no mirror has %s any more (asked %s)", e.Package, e.Path, strings.Join(e.Tried, ", "))
}

// Hint says what a person can do about it.
func (e *MissingError) Hint() string {
	return "the archive drops old versions: `kiln lock` locks the current ones, or configure a snapshot mirror of the lock's date, which has it still"
}

func (e *MissingError) Unwrap() error { return e.Err }

// Fetch downloads files into the cache, several at once, and verifies the size
// and digest of each. What is in the cache is not asked for. The first failure
// stops the others; where no mirror has a file it is a [*MissingError].
func (c *Client) Fetch(ctx context.Context, files []File) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, f := range files {
		if c.cache.Has(f.SHA256, f.Size) {
			continue
		}
		wg.Go(func() {
			if err := c.fetch(ctx, f); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// fetch downloads one file, unless another goroutine is at it: then it waits.
func (c *Client) fetch(ctx context.Context, f File) error {
	unlock, err := c.flights.lock(ctx, f.SHA256)
	if err != nil {
		return err
	}
	defer unlock()
	if c.cache.Has(f.SHA256, f.Size) {
		return nil
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return c.fromMirrors(ctx, f)
}

func (c *Client) fromMirrors(ctx context.Context, f File) error {
	if err := checkArchivePath(f.Path); err != nil {
		return fmt.Errorf("downloading %s: %w", f.what(), err)
	}
	bases := c.mirrors[f.Archive]
	if len(bases) == 0 {
		return fmt.Errorf("downloading %s from %s: %w", f.what(), f.Archive, ErrNoMirror)
	}
	missing := &MissingError{Package: f.what(), Path: f.Path}
	var errs []error
	absent, silent := 0, 0
	for _, base := range bases {
		err := c.retry(ctx, func() error { return c.download(ctx, base+"/"+f.Path, f) })
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var unreachable *net.OpError
		switch {
		case isGone(err):
			absent++
		case errors.As(err, &unreachable):
			silent++
		}
		errs = append(errs, err)
		missing.Tried = append(missing.Tried, redact(base))
	}
	missing.Err = errors.Join(errs...)
	if absent > 0 && absent+silent == len(bases) { // no mirror that answers has it
		return missing
	}
	return fmt.Errorf("downloading %s: %w", f.what(), missing.Err)
}

// isGone reports whether a mirror says that it does not have a file. Object
// stores say 403 for a name that they do not know.
func isGone(err error) bool {
	var s *statusError
	return errors.As(err, &s) &&
		(s.code == http.StatusNotFound || s.code == http.StatusGone || s.code == http.StatusForbidden)
}

// download gets a file from one URL into the cache. It reads no more than the
// file's size, however much the mirror sends.
func (c *Client) download(ctx context.Context, url string, f File) error {
	return c.get(ctx, url, nil, func(res *http.Response, r io.Reader) error {
		if res.ContentLength >= 0 && res.ContentLength != f.Size {
			return finalError{fmt.Errorf("it is %d bytes, want %d", res.ContentLength, f.Size)}
		}
		w, err := c.cache.Writer()
		if err != nil {
			return finalError{err}
		}
		defer w.Close() //nolint:errcheck // removes what was not committed
		n, err := io.Copy(&counted{w: w, path: f.Path, total: f.Size, report: c.progress}, io.LimitReader(r, f.Size))
		if err != nil {
			return err
		}
		if n < f.Size {
			return io.ErrUnexpectedEOF
		}
		_, _, err = w.Commit(f.SHA256)
		var mismatch *blobs.MismatchError
		if errors.As(err, &mismatch) {
			return finalError{err}
		}
		return err
	})
}

// counted reports what is written through it.
type counted struct {
	w           io.Writer
	path        string
	done, total int64
	report      func(path string, done, total int64)
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.done += int64(n)
	c.report(c.path, c.done, c.total)
	return n, err
}

// flights lets one goroutine at a time work on a key.
type flights struct {
	mu   sync.Mutex
	busy map[string]chan struct{}
}

func (f *flights) lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		f.mu.Lock()
		if f.busy == nil {
			f.busy = map[string]chan struct{}{}
		}
		wait, taken := f.busy[key]
		if !taken {
			done := make(chan struct{})
			f.busy[key] = done
			f.mu.Unlock()
			return func() {
				f.mu.Lock()
				delete(f.busy, key)
				f.mu.Unlock()
				close(done)
			}, nil
		}
		f.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
