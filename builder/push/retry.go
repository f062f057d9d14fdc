package push

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// attempts is how often anything is tried before the error is told.
const attempts = 5

// retry repeats requests that a registry is too busy for, and those whose
// connection broke. Parts of a blob's upload are left to the layer above,
// which begins the whole blob anew.
type retry struct {
	inner http.RoundTripper
	// base is the first wait; each further one is twice as long. No wait,
	// not even one that a registry asks for, is longer than limit.
	base, limit time.Duration
}

// RoundTrip implements http.RoundTripper.
func (r *retry) RoundTrip(req *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := r.inner.RoundTrip(req)
		if !worthRepeating(resp, err) || req.Context().Err() != nil {
			return resp, err
		}
		wait := r.wait(resp, try)
		if !repeatable(req) {
			// Begun anew above, but not before the registry wants it.
			if asked(resp) > 0 {
				return resp, errors.Join(err, sleep(req.Context(), wait))
			}
			return resp, err
		}
		if try == attempts {
			return nil, &gaveUpError{attempts: try, err: outcome(resp, err)}
		}
		discard(resp)
		if err := sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		if req, err = rewind(req); err != nil {
			return nil, err
		}
	}
}

// CloseIdleConnections lets http.Client reach the transport below.
func (r *retry) CloseIdleConnections() {
	if c, ok := r.inner.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func worthRepeating(resp *http.Response, err error) bool {
	if err != nil {
		return broken(err)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// broken reports whether err is of a connection that was there and failed.
// A refused one is not: that is a mistake in the name far more often than a
// registry that starts this second.
func broken(err error) bool {
	var timeout net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, net.ErrClosed) || (errors.As(err, &timeout) && timeout.Timeout()) ||
		strings.Contains(err.Error(), "server closed idle connection")
}

// repeatable reports whether a request may be sent twice as it is: not the
// PATCH and PUT of a blob upload, whose session has moved on.
func repeatable(req *http.Request) bool {
	switch req.Method {
	case http.MethodPatch:
		return false
	case http.MethodPut:
		return strings.Contains(req.URL.Path, "/manifests/")
	}
	return true
}

// wait doubles with each try, with jitter so that many clients do not return
// at once; a registry's own wish comes first.
func (r *retry) wait(resp *http.Response, try int) time.Duration {
	d := asked(resp)
	if d == 0 {
		d = r.base << (try - 1)
		d += time.Duration(rand.Int64N(int64(d)/4 + 1)) //nolint:gosec // not a secret
	}
	return min(d, r.limit)
}

// asked is the wait that the response's Retry-After asks for, in either of
// its forms (RFC 9110, section 10.2.3).
func asked(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 3600)) * time.Second
	}
	until, err1 := http.ParseTime(value)
	date, err2 := http.ParseTime(resp.Header.Get("Date"))
	if err1 != nil || err2 != nil {
		return 0
	}
	return max(0, until.Sub(date))
}

func outcome(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return transport.CheckError(resp)
}

// discard reads what little there is, so that the connection is used again.
func discard(resp *http.Response) {
	if resp != nil {
		io.CopyN(io.Discard, resp.Body, 64<<10) //nolint:errcheck // it is thrown away
		resp.Body.Close()
	}
}

func rewind(req *http.Request) (*http.Request, error) {
	next := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return next, nil
	}
	if req.GetBody == nil {
		return nil, errors.New("request cannot be sent again")
	}
	body, err := req.GetBody()
	next.Body = body
	return next, err
}

// gaveUpError keeps the layers above from trying again what was tried enough.
type gaveUpError struct {
	attempts int
	err      error
}

func (e *gaveUpError) Error() string { return fmt.Sprintf("%v (after %d attempts)", e.err, e.attempts) }
func (e *gaveUpError) Unwrap() error { return e.err }

// again decides whether a blob's upload is begun anew.
func again(err error) bool {
	var gaveUp *gaveUpError
	if err == nil || errors.As(err, &gaveUp) {
		return false
	}
	var status *transport.Error
	if !errors.As(err, &status) {
		return broken(err)
	}
	for _, d := range status.Errors {
		if d.Code == transport.BlobUploadUnknownErrorCode || d.Code == transport.BlobUploadInvalidErrorCode {
			return true // the session was lost with the connection
		}
	}
	return status.Temporary()
}
