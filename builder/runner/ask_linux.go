package runner

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"
)

// ask waits until the service listens, and makes the requests in order. It
// ends at the first that gets no answer.
func (j *Job) ask(ctx context.Context, p *process, o *Outcome) {
	defer func() {
		if n := len(o.Replies); n > 0 && o.Replies[n-1].Error != "" {
			p.within(time.Second) // its end may be what broke the connection
		}
		if o.Ended = p.within(0); o.Ended {
			o.Exit = p.exit
		} else {
			o.Late = ctx.Err() != nil
		}
	}()
	ready, cancel := context.WithTimeout(ctx, j.Ready)
	defer cancel()
	for _, r := range j.Requests {
		if !listens(ready, r.Port, p.done) {
			o.Silent = r.Port
			return
		}
	}
	for _, r := range j.Requests {
		reply := r.make(ctx)
		for r.unready(reply) && pause(ready, p.done) {
			reply = r.make(ctx)
		}
		o.Replies = append(o.Replies, reply)
		if reply.Error != "" {
			return
		}
	}
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// listens reports whether the port takes connections before ctx or the
// service ends.
func listens(ctx context.Context, port int, done <-chan struct{}) bool {
	for {
		conn, err := net.DialTimeout("tcp", address(port), time.Second)
		if err == nil {
			conn.Close()
			return true
		}
		if !pause(ctx, done) {
			return false
		}
	}
}

// pause waits a little. It reports false where ctx or the service ends.
func pause(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-ctx.Done():
		return false
	case <-done:
		return false
	case <-time.After(10 * time.Millisecond):
		return true
	}
}

// unready reports whether an answer is that of a service which listens but
// cannot serve yet: a server error (RFC 9110, section 15.6) to a request that
// may be made again (section 9.2.1), where another status is wanted.
func (r Request) unready(reply Reply) bool {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	return safe && reply.Status >= 500 && reply.Status != r.Status
}

func (r Request) make(ctx context.Context) Reply {
	var reply Reply
	var err error
	if r.Method != "" {
		reply, err = r.http(ctx)
	} else {
		reply, err = r.tcp(ctx)
	}
	if err != nil {
		reply.Error = err.Error()
	}
	return reply
}

func (r Request) http(ctx context.Context) (Reply, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, "http://"+address(r.Port)+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return Reply{}, err
	}
	for k, v := range r.Headers {
		req.Header.Set(k, v)
		if http.CanonicalHeaderKey(k) == "Host" {
			req.Host = v
		}
	}
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req) // no redirects, no proxy
	if err != nil {
		return Reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxOutput))
	return Reply{Status: resp.StatusCode, Headers: resp.Header, Body: body}, err
}

// tcp sends the body and reads until the service closes, all of Enough came,
// or nothing more comes for as long as Patience.
func (r Request) tcp(ctx context.Context) (Reply, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address(r.Port))
	if err != nil {
		return Reply{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := conn.Write(r.Body); err != nil {
		return Reply{}, err
	}
	var got []byte
	buffer := make([]byte, 4096)
	for len(got) < maxOutput && !r.enough(got) {
		if err := conn.SetReadDeadline(time.Now().Add(r.Patience)); err != nil { //nolint:forbidigo // of a connection
			return Reply{Body: got}, err
		}
		n, err := conn.Read(buffer)
		got = append(got, buffer[:n]...)
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return Reply{Body: got}, err
		}
	}
	return Reply{Body: got}, nil
}

func (r Request) enough(got []byte) bool {
	for _, e := range r.Enough {
		re, err := regexp.Compile(e)
		if err != nil || !re.Match(got) {
			return false
		}
	}
	return true
}
