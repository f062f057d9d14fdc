package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// attempts is how often one mirror is asked for one file.
const attempts = 4

// stall is how long a connection may yield no byte before it counts as broken.
const stall = time.Minute

// statusError is an HTTP answer other than 200.
type statusError struct {
	url  string
	code int
	// after is how long the server asks to wait, or zero.
	after time.Duration
}

func (e *statusError) Error() string {
	return fmt.Sprintf("getting %s: %d %s", e.url, e.code, http.StatusText(e.code))
}

// retry calls f until it succeeds, fails for good, or has failed too often.
// What may pass is a broken connection, 408, 429 and 5xx.
func (c *Client) retry(ctx context.Context, f func() error) error {
	wait := c.pause
	for n := 1; ; n++ {
		err := f()
		var status *statusError
		isStatus := errors.As(err, &status)
		if err == nil || n == attempts || ctx.Err() != nil || isFinal(err) || isStatus && !mayPass(status.code) {
			return err
		}
		d := wait
		if isStatus && status.after > d {
			d = min(status.after, 30*time.Second)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
		}
		wait *= 3
	}
}

func mayPass(code int) bool {
	return code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= 500
}

// finalError is a failure that asking the same mirror again does not mend.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func isFinal(err error) bool {
	var f finalError
	return errors.As(err, &f)
}

// get sends a request and calls read with the body of the answer. A body that
// stalls is broken off.
func (c *Client) get(ctx context.Context, rawURL string, h http.Header, read func(*http.Response, io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return finalError{fmt.Errorf("getting %s: %w", redact(rawURL), err)}
	}
	for k, v := range h {
		req.Header[k] = v
	}
	// The transport must not unpack: sizes and digests are of the file.
	req.Header.Set("Accept-Encoding", "identity")
	res, err := c.http.Do(req)
	if err != nil {
		return &UnreachableError{err}
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return &statusError{url: redact(rawURL), code: res.StatusCode, after: retryAfter(res.Header)}
	}
	timer := time.AfterFunc(stall, func() { cancel(fmt.Errorf("no byte came for %s", stall)) })
	defer timer.Stop()
	err = read(res, &watched{r: res.Body, timer: timer})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("getting %s: %w", redact(rawURL), err)
	}
	return nil
}

// watched puts a timer off each time bytes come.
type watched struct {
	r     io.Reader
	timer *time.Timer
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.timer.Reset(stall)
	return n, err
}

// getBytes gets a file of at most limit bytes.
func (c *Client) getBytes(ctx context.Context, url string, h http.Header, limit int64) (body []byte, header http.Header, err error) {
	err = c.get(ctx, url, h, func(res *http.Response, r io.Reader) error {
		header = res.Header
		body, err = io.ReadAll(io.LimitReader(r, limit+1))
		if err == nil && int64(len(body)) > limit {
			err = finalError{fmt.Errorf("it is larger than %d bytes", limit)}
		}
		return err
	})
	return body, header, err
}

// retryAfter reads the header in its form of seconds (RFC 9110, section
// 10.2.3).
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 || n > 3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// redact returns a URL as it may be shown, without its password.
func redact(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "(malformed URL)"
	}
	return u.Redacted()
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
