package sign

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// attempts repeats requests to the services of Sigstore that were not answered,
// or with an error of the server's: each of them has a time limit of its own,
// which includes reading the answer. All of them may be repeated: a second
// certificate or timestamp is as good as the first, and what a log has already
// it says so.
type attempts struct {
	inner http.RoundTripper
	// limit is for one attempt.
	limit time.Duration
	// waits are before each further attempt.
	waits []time.Duration
}

func newAttempts() *attempts {
	return &attempts{
		inner: http.DefaultTransport, limit: 30 * time.Second,
		waits: []time.Duration{time.Second, 3 * time.Second, 9 * time.Second},
	}
}

// maxAnswer is what is read of an answer, at most.
const maxAnswer = 16 << 20

// total is the longest that a request takes with all its attempts.
func (a *attempts) total() time.Duration {
	total := a.limit
	for _, w := range a.waits {
		total += a.limit + max(w, a.limit) // Retry-After may ask for as much
	}
	return total
}

// RoundTrip implements http.RoundTripper.
func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		if err = closing(req.Body, err); err != nil {
			return nil, err
		}
	}
	for try := 0; ; try++ {
		resp, err := a.once(req, body)
		if ctxErr := req.Context().Err(); ctxErr != nil {
			return nil, ctxErr
		}
		if err == nil && !busy(resp.StatusCode) {
			return resp, nil
		}
		if try == len(a.waits) {
			if err != nil {
				return nil, fmt.Errorf("%w (after %d attempts)", err, try+1)
			}
			return resp, nil
		}
		if err := pause(req.Context(), a.wait(resp, try)); err != nil {
			return nil, err
		}
	}
}

// once makes one attempt and reads the whole answer.
func (a *attempts) once(req *http.Request, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), a.limit)
	defer cancel()
	again := req.Clone(ctx)
	if req.Body != nil {
		again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	resp, err := a.inner.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err = closing(resp.Body, err); err != nil {
		return nil, err
	}
	resp.Body, resp.Request = io.NopCloser(bytes.NewReader(answer)), req
	return resp, nil
}

func closing(c io.Closer, err error) error {
	if cerr := c.Close(); err == nil {
		return cerr
	}
	return err
}

func busy(status int) bool {
	return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// wait is what a server asks for, up to the limit of an attempt, or else what
// is set.
func (a *attempts) wait(resp *http.Response, try int) time.Duration {
	if resp != nil {
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
			return min(time.Duration(seconds)*time.Second, a.limit)
		}
	}
	return a.waits[try]
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
