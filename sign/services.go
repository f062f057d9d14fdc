package sign

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
)

// Services are the servers of a Sigstore instance that take part in signing.
type Services struct {
	// authority issues certificates (Fulcio), and issuer identity tokens.
	// Either may be empty.
	authority, issuer string
	logs              []logService
	stampers          []string
	http              *attempts
}

// logService is a transparency log (Rekor) by the version of its interface.
type logService struct {
	url     string
	version uint32
}

// LoadServices reads a Sigstore signing config, the JSON that
// `cosign signing-config create` writes, and chooses from it what is in
// service at the time now.
func LoadServices(signingConfig []byte, now time.Time) (*Services, error) {
	config, err := root.NewSigningConfigFromJSON(signingConfig)
	if err != nil {
		return nil, err
	}
	return choose(config, now)
}

// PublicServices fetches the signing config of Sigstore's public good instance
// by its update framework (TUF), and keeps it in the folder cache.
func PublicServices(ctx context.Context, cache string, now time.Time) (*Services, error) {
	config, err := root.FetchSigningConfigWithOptions(publicRepository(ctx, cache))
	if err != nil {
		return nil, fmt.Errorf("fetching Sigstore's signing config: %w", err)
	}
	return choose(config, now)
}

// onlyLog are services of which there is but a log.
func onlyLog(url string) *Services {
	return &Services{logs: []logService{{url, 1}}, http: newAttempts()}
}

func choose(config *root.SigningConfig, now time.Time) (*Services, error) {
	s := &Services{http: newAttempts()}
	if all := config.FulcioCertificateAuthorityURLs(); len(all) > 0 {
		one, err := root.SelectService(all, sign.FulcioAPIVersions, now)
		if err != nil {
			return nil, fmt.Errorf("choosing certificate authority: %w", err)
		}
		s.authority = one.URL
	}
	if all := config.OIDCProviderURLs(); len(all) > 0 {
		one, err := root.SelectService(all, []uint32{1}, now)
		if err != nil {
			return nil, fmt.Errorf("choosing issuer of identity tokens: %w", err)
		}
		s.issuer = one.URL
	}
	if all := config.RekorLogURLs(); len(all) > 0 {
		some, err := root.SelectServices(all, config.RekorLogURLsConfig(), sign.RekorAPIVersions, now)
		if err != nil {
			return nil, fmt.Errorf("choosing transparency logs: %w", err)
		}
		for _, one := range some {
			s.logs = append(s.logs, logService{one.URL, one.MajorAPIVersion})
		}
	}
	if all := config.TimestampAuthorityURLs(); len(all) > 0 {
		some, err := root.SelectServices(all, config.TimestampAuthorityURLsConfig(), sign.TimestampAuthorityAPIVersions, now)
		if err != nil {
			return nil, fmt.Errorf("choosing timestamp authorities: %w", err)
		}
		for _, one := range some {
			s.stampers = append(s.stampers, one.URL)
		}
	}
	return s, s.checkURLs()
}

// checkURLs keeps identity tokens off connections that others can read.
func (s *Services) checkURLs() error {
	urls := append([]string{s.authority, s.issuer}, s.stampers...)
	for _, l := range s.logs {
		urls = append(urls, l.url)
	}
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil {
			return err
		}
		plain := u.Scheme == "http" && loopback(u.Hostname())
		if raw != "" && u.Scheme != "https" && !plain {
			return fmt.Errorf("%s: want an https address", u.Redacted())
		}
	}
	return nil
}

// Issuer is where a person gets an identity token, or empty.
func (s *Services) Issuer() string { return s.issuer }

// keyless tells what is missing for signing without a key of one's own.
func (s *Services) keyless() error {
	switch {
	case s.authority == "":
		return errors.New("the signing config names no certificate authority")
	case len(s.stampers) == 0 && !s.promises():
		return errors.New("the signing config names no timestamp authority, so nothing would say when a certificate was used")
	}
	return nil
}

// transport ends requests with ctx, which some of the clients do not.
func (s *Services) transport(ctx context.Context) http.RoundTripper { return bound{ctx, s.http} }

type bound struct {
	ctx   context.Context // the clients that this is for take none
	inner http.RoundTripper
}

func (b bound) RoundTrip(req *http.Request) (*http.Response, error) {
	return b.inner.RoundTrip(req.WithContext(b.ctx))
}

// transparency are the clients of the logs.
func (s *Services) transparency(ctx context.Context) []sign.Transparency {
	var all []sign.Transparency
	for _, l := range s.logs {
		options := &sign.RekorOptions{BaseURL: l.url, Version: l.version, Timeout: s.http.total()}
		if l.version == 1 {
			options.Client = newRekorV1(l.url, s.transport(ctx), s.http.total())
		} else {
			options.ClientV2 = &rekorV2{url: l.url, http: &http.Client{Transport: s.transport(ctx)}}
		}
		all = append(all, sign.NewRekor(options))
	}
	return all
}

// timestamps are the clients of the timestamp authorities.
func (s *Services) timestamps(ctx context.Context) []*sign.TimestampAuthority {
	var all []*sign.TimestampAuthority
	for _, u := range s.stampers {
		all = append(all, sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: u, Timeout: -1, Transport: s.transport(ctx)}))
	}
	return all
}

// promises reports whether a log is of the first version: later ones promise
// nothing, which is all that the tag layout has a place for, and say nothing
// about the time.
func (s *Services) promises() bool {
	return slices.ContainsFunc(s.logs, func(l logService) bool { return l.version == 1 })
}
