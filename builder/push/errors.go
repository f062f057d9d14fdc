package push

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Error is about one image in one registry or folder.
type Error struct {
	// Op is what was going on: "pushing", "reading", …
	Op string
	// Ref is the image's name.
	Ref string
	Err error
	// Registry is the host, where there is one.
	Registry string
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Ref, e.Err) }

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// Hint is the way out, for people; empty where none is known.
func (e *Error) Hint() string {
	var (
		status   *transport.Error
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		record   tls.RecordHeaderError
		plain    *plainError
		lookup   *net.DNSError
	)
	switch {
	case errors.As(e.Err, &unknown):
		return "the registry's certificate is signed by an authority this machine does not know: give it with --registry-ca FILE"
	case errors.As(e.Err, &hostname):
		return "the registry's certificate is for another host name: use one of those, or have the certificate reissued"
	case errors.As(e.Err, &plain), errors.As(e.Err, &record), strings.Contains(e.Err.Error(), "server gave HTTP response"):
		return "if " + e.Registry + " really is to be used without TLS, say --registry-plain-http"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "nothing listens there: check the host and port of " + e.Registry
	case errors.As(e.Err, &lookup):
		return "check the name of the registry: " + e.Registry
	case errors.As(e.Err, &status):
		return e.statusHint(status.StatusCode)
	}
	return ""
}

func (e *Error) statusHint(code int) string {
	switch code {
	case http.StatusUnauthorized:
		return "log in with `docker login " + e.Registry + "`"
	case http.StatusForbidden:
		return "these credentials may not do this; log in with others: `docker login " + e.Registry + "`"
	case http.StatusTooManyRequests:
		return "the registry limits requests: wait, or log in with `docker login " + e.Registry + "`"
	}
	return ""
}

// plainError says that an unencrypted connection was not made.
type plainError struct{ host string }

func (e *plainError) Error() string {
	return "refusing to speak to " + e.host + " without TLS"
}

func wrap(op string, ref name.Reference, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		err = context.Canceled
	}
	return &Error{Op: op, Ref: ref.String(), Registry: ref.Context().RegistryStr(), Err: err}
}
