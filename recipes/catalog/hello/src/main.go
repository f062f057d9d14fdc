// Hello is a small HTTP service: the example of a recipe whose source lies
// beside it. It greets in the caller's language, says whether it is healthy,
// and counts its requests for Prometheus.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/text/language"
)

// version is set by the linker.
var version = "dev"

// languages are those that greetings has, the default first.
var languages = language.NewMatcher([]language.Tag{
	language.English, language.German, language.French, language.Spanish,
})

// greetings are in the order of languages.
var greetings = []string{"Hello", "Hallo", "Bonjour", "Hola"}

func main() {
	showVersion := flag.Bool("version", false, "print the version and exit")
	flag.Parse()
	if *showVersion {
		fmt.Println("hello", version)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, net.JoinHostPort("", port())); err != nil {
		log.Fatal(err)
	}
}

// port is $PORT, or 8080.
func port() string {
	if p := os.Getenv("PORT"); p != "" {
		return p
	}
	return "8080"
}

// serve answers requests at addr until ctx ends, then lets those that are
// under way finish.
func serve(ctx context.Context, addr string) error {
	s := &http.Server{Addr: addr, Handler: routes(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- s.ListenAndServe() }()
	log.Printf("hello %s listens on %s", version, addr)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return s.Shutdown(grace)
	}
}

func routes() http.Handler {
	registry := prometheus.NewRegistry()
	requests := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hello_greetings_total", Help: "Greetings given.",
	})
	registry.MustRegister(requests)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		requests.Inc()
		fmt.Fprintf(w, "%s from kiln\n", greeting(r))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}

// greeting picks the greeting that Accept-Language asks for.
func greeting(r *http.Request) string {
	tags, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	_, i, _ := languages.Match(tags...)
	return greetings[i]
}
