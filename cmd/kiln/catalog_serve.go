package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes/site"
)

func catalogServeCommand() *cli.Command {
	return &cli.Command{
		Name: "serve", Usage: "serve the catalog's pages as they are at the moment, with what an audit finds",
		Description: "Serves what `kiln catalog site` writes, gathered anew as people look: recipes as they are on\n" +
			"disk, images as the registry has them, and each held to the policy of kiln.yaml, if it has one.\n" +
			"Whoever can reach the address can read all of it; Ctrl-C ends it.\n\n" +
			"Example: kiln catalog serve --listen 127.0.0.1:8000",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8000", Usage: "`HOST:PORT` to listen at; port 0 is any that is free"},
			&cli.BoolFlag{Name: "offline", Usage: "do not ask the Debian archive for newer packages"},
		}, append(siteFlags(), archiveFlags()...)...),
		OnUsageError: usageError,
		Action:       runCatalogServe,
	}
}

// How long the server waits: for a request's header, for a connection that asks
// nothing, for requests under way when it is told to end; and how old pages may
// be before they are gathered anew.
const (
	serveHeader   = 10 * time.Second
	serveIdle     = 2 * time.Minute
	serveEnd      = 5 * time.Second
	servePagesFor = 10 * time.Second
)

func runCatalogServe(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("kiln catalog serve: want no arguments, got %d", c.NArg())
	}
	facts, err := newSiteFacts(c)
	if err != nil {
		return err
	}
	if facts.auditor, err = newSiteAudit(c, facts); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(c.Context, "tcp", c.String("listen"))
	if err != nil {
		return withHint{fmt.Errorf("serving the catalog: %w", err), "--listen HOST:PORT names another address"}
	}
	pages := newSitePages(facts.live(c.String("catalog")), c.App.ErrWriter)
	if _, err := pages.at(c.Context, site.Index); err != nil { // before anybody is told where they are
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintf(c.App.Writer, "http://%s/\n", listener.Addr())
	return serve(c.Context, listener, pages)
}

// serve serves until ctx ends, and then lets requests that are under way end as
// well, for a while.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: strict(listener.Addr(), handler), ReadHeaderTimeout: serveHeader, IdleTimeout: serveIdle, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving the catalog: %w", err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), serveEnd)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		return fmt.Errorf("serving the catalog: ending: %w", err)
	}
	return nil
}

// strict answers GET and HEAD alone, with headers that let pages do nothing but
// be read. Who listens on a loopback address answers to no other name: else a
// page from anywhere could read what is served, under a name of its own that
// leads there.
func strict(addr net.Addr, next http.Handler) http.Handler {
	local := loopbackHost(addr.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", site.Policy()+"; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-cache")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are answered", http.StatusMethodNotAllowed)
		case local && !loopbackHost(r.Host):
			http.Error(w, "this server answers to loopback addresses alone", http.StatusMisdirectedRequest)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// loopbackHost reports whether host[:port] is this machine's own.
func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
