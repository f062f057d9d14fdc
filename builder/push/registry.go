package push

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Config says how to speak to registries. The zero Config uses the machine's
// certificates and Docker's credentials.
type Config struct {
	// CA is one or more certificates as PEM that are trusted besides those
	// of the system.
	CA []byte
	// Keychain finds credentials. If nil, they come from Docker's
	// configuration and its credential helpers.
	Keychain authn.Keychain
	// PlainHTTP speaks HTTP without TLS. Without it only a registry on a
	// loopback address is ever spoken to that way.
	PlainHTTP bool
	// PlainHosts are registries (host[:port]) that are spoken to without TLS
	// where others are not.
	PlainHosts []string
	// Transport carries the requests. If nil, it is made from CA.
	Transport http.RoundTripper
	// Mirrors are those of registries (host[:port]), each as
	// host[:port][/path]: asked first for images by their digest.
	Mirrors map[string][]string
	// Locks is a folder for files that keep processes of this machine from
	// attaching to the same image at once. If empty, nothing does, and who
	// loses against another tries again.
	Locks string
	// Mounts is a folder that remembers for other processes in which repository
	// layers are, so that a registry is asked to mount them in the next one
	// rather than given them again. If empty, only this Registry knows.
	Mounts string
	// Progress is called as bytes arrive at the registry, from one
	// goroutine at a time. If nil, nobody is told.
	Progress func(done, total int64)
}

// Registry speaks to registries. It is safe for concurrent use.
type Registry struct {
	keychain  authn.Keychain
	schemes   *schemes
	customCA  bool
	mirrors   map[string][]string
	locks     string
	mounts    string
	transport *retry
	progress  func(done, total int64)
	puller    *remote.Puller

	mu sync.Mutex
	// pushed remembers where a blob went, for mounting it elsewhere.
	pushed map[blobKey]name.Repository
	// dance names the registries whose manifests are not had in one request.
	dance map[string]bool
}

type blobKey struct {
	registry string
	digest   v1.Hash
}

// New returns a Registry. The error is about config.CA.
func New(config Config) (*Registry, error) {
	base := config.Transport
	if base == nil {
		t, err := newTransport(config.CA)
		if err != nil {
			return nil, err
		}
		base = t
	}
	s := &schemes{inner: base, plainHTTP: config.PlainHTTP, plainHosts: config.PlainHosts}
	r := &Registry{
		keychain:  config.Keychain,
		schemes:   s,
		customCA:  len(config.CA) > 0,
		mirrors:   config.Mirrors,
		locks:     config.Locks,
		mounts:    config.Mounts,
		transport: &retry{inner: s, base: 500 * time.Millisecond, limit: 30 * time.Second},
		progress:  config.Progress,
		pushed:    map[blobKey]name.Repository{},
		dance:     map[string]bool{},
	}
	if r.keychain == nil {
		r.keychain = authn.DefaultKeychain
	}
	puller, err := newPuller(r)
	if err != nil {
		return nil, fmt.Errorf("setting up registry access: %w", err)
	}
	r.puller = puller
	return r, nil
}

func newTransport(ca []byte) (http.RoundTripper, error) {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("setting up registry access: unexpected default transport")
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 16
	if len(ca) == 0 {
		return t, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("reading registry CA: no certificate in PEM format in it")
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

func newPuller(r *Registry) (*remote.Puller, error) { return remote.NewPuller(r.options()...) }

// jobs is how many blobs travel at once.
const jobs = 6

func (r *Registry) options() []remote.Option {
	return []remote.Option{
		remote.WithAuthFromKeychain(r.keychain),
		remote.WithTransport(r.transport),
		remote.WithRetryStatusCodes(), // retry has dealt with them
		remote.WithRetryPredicate(again),
		remote.WithRetryBackoff(remote.Backoff{Duration: r.transport.base, Factor: 2, Jitter: 0.2, Steps: attempts}),
		remote.WithJobs(jobs),
		remote.WithUserAgent("kiln"),
	}
}

// schemes keeps traffic off unencrypted connections unless they were asked
// for or do not leave the machine.
type schemes struct {
	inner      http.RoundTripper
	plainHTTP  bool
	plainHosts []string
}

// plain reports whether a registry (host[:port]) is to be spoken to without TLS.
func (s *schemes) plain(host string) bool {
	return s.plainHTTP || slices.Contains(s.plainHosts, host)
}

// RoundTrip implements http.RoundTripper.
func (s *schemes) RoundTrip(req *http.Request) (*http.Response, error) {
	plain := s.plain(req.URL.Host)
	switch {
	case plain && req.URL.Scheme == "https":
		req = req.Clone(req.Context())
		req.URL.Scheme = "http"
	case !plain && req.URL.Scheme == "http" && !loopback(req.URL.Hostname()):
		return nil, &plainError{host: req.URL.Host}
	}
	return s.inner.RoundTrip(req)
}

// CloseIdleConnections lets http.Client reach the transport below.
func (s *schemes) CloseIdleConnections() {
	if c, ok := s.inner.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// sleep waits for d, or less where ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
