package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// NoCatalogError says that a registry does not tell what repositories it has,
// or not to these credentials, as Docker Hub and GitHub's do not tell anybody.
type NoCatalogError struct {
	Registry string
	Err      error
}

func (e *NoCatalogError) Error() string {
	return "listing the repositories of " + e.Registry + ": the registry refuses: " + e.Err.Error()
}

// Unwrap returns e.Err.
func (e *NoCatalogError) Unwrap() error { return e.Err }

// Hint is the way out.
func (e *NoCatalogError) Hint() string {
	return "name the repositories: " + e.Registry + "/REPOSITORY… in place of " + e.Registry + ", or --repository"
}

// Repositories lists the repositories of a registry, sorted, page by page
// (distribution's API, "Listing Repositories"). Where the registry refuses
// that, the error is a [*NoCatalogError], else an [*Error].
func (r *Registry) Repositories(ctx context.Context, host name.Registry) ([]string, error) {
	list, err := readPages(ctx, func() (*remote.Catalogger, error) { return r.puller.Catalogger(ctx, host) },
		func(page *remote.Catalogs) []string { return page.Repos })
	var status *transport.Error
	if errors.As(err, &status) && refuses(status.StatusCode) {
		return nil, &NoCatalogError{Registry: host.RegistryStr(), Err: err}
	}
	if err != nil {
		return nil, &Error{Op: "listing the repositories of", Ref: host.RegistryStr(), Registry: host.RegistryStr(), Err: err}
	}
	return list, nil
}

// refuses are the answers of registries without a catalog.
func refuses(code int) bool {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return false
}

// Tags lists the tags of a repository, sorted, page by page (distribution-spec,
// "Listing Tags"). Errors are [*Error].
func (r *Registry) Tags(ctx context.Context, repo name.Repository) ([]string, error) {
	list, err := readPages(ctx, func() (*remote.Lister, error) { return r.puller.Lister(ctx, repo) },
		func(page *remote.Tags) []string { return page.Tags })
	if err != nil {
		return nil, &Error{Op: "listing the tags of", Ref: repo.Name(), Registry: repo.RegistryStr(), Err: err}
	}
	return list, nil
}

// maxPages is how many pages of a list are read, which kiln asks to be of a
// thousand names. Those of a registry may lead back to each other.
const maxPages = 10_000

// paged is a list of which a registry tells a page at a time.
type paged[Page any] interface {
	HasNext() bool
	Next(ctx context.Context) (Page, error)
}

// readPages returns the names on all pages, sorted.
func readPages[List paged[Page], Page any](ctx context.Context, open func() (List, error), names func(Page) []string) ([]string, error) {
	pages, err := open()
	if err != nil {
		return nil, err
	}
	var list []string
	for n := 0; pages.HasNext(); n++ {
		if n == maxPages {
			return nil, fmt.Errorf("the list has no end: %d pages were read", maxPages)
		}
		page, err := pages.Next(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, names(page)...)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// Answered reports whether err is about something that a registry answered, or
// about what it has, and not about the way to it, or that it is too busy.
func Answered(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var status *transport.Error
	if errors.As(err, &status) {
		return !busy(status.StatusCode)
	}
	var way *url.Error // of http.Client, where there is no answer
	return !errors.As(err, &way)
}

// busy are the answers of registries, and of proxies before them, that have
// nothing to do with what was asked for.
func busy(code int) bool {
	switch code {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
