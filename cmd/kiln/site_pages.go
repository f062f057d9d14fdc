package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
)

// sitePages are the pages of a catalog for a server. They are gathered when
// somebody asks for one, unless they are fresh.
type sitePages struct {
	gather func(context.Context) (*site.Catalog, error)
	log    io.Writer

	mu    sync.Mutex
	pages map[string][]byte
	made  time.Time
}

func newSitePages(gather func(context.Context) (*site.Catalog, error), log io.Writer) *sitePages {
	return &sitePages{gather: gather, log: log}
}

// live gathers the facts of the catalog that the folder is in as they are now.
func (s *siteFacts) live(dir string) func(context.Context) (*site.Catalog, error) {
	return func(ctx context.Context) (*site.Catalog, error) {
		catalog, err := recipes.OpenCatalog(dir)
		if err != nil {
			return nil, err
		}
		s.catalog, s.now = catalog, time.Now()
		c, err := s.gather(ctx)
		if err != nil {
			return nil, err
		}
		c.Live = true
		return c, nil
	}
}

// at is the page with the path; nil where there is none. Who asks while pages
// are gathered waits for these.
func (p *sitePages) at(ctx context.Context, path string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages != nil && time.Since(p.made) < servePagesFor {
		return p.pages[path], nil
	}
	catalog, err := p.gather(ctx)
	if err != nil {
		return nil, err
	}
	files, err := catalog.Files()
	if err != nil {
		return nil, err
	}
	p.pages, p.made = map[string][]byte{}, time.Now()
	for _, f := range files {
		p.pages[f.Path] = f.Data
	}
	return p.pages[path], nil
}

// ServeHTTP implements http.Handler.
func (p *sitePages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if path == "" {
		path = site.Index
	}
	page, err := p.at(r.Context(), path)
	switch {
	case r.Context().Err() != nil:
		http.Error(w, "the server ends", http.StatusServiceUnavailable)
	case err != nil: // what it says may be about files here, and is for who serves
		fmt.Fprintln(p.log, err)
		http.Error(w, "the catalog cannot be read now; whoever serves it has been told why", http.StatusInternalServerError)
	case page == nil:
		http.Error(w, "there is no such page", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("ETag", `"`+digestOf(page)+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(page))
	}
}
