package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/engine"
)

func engineFlags() []cli.Flag {
	return []cli.Flag{&cli.StringSliceFlag{
		Name: "engine", EnvVars: []string{"KILN_ENGINE", "BUILDKIT_HOST"},
		Usage: "`ADDRESS` of a BuildKit: tcp://, unix://, ssh://, docker-container://, kube-pod:// (default: an embedded one); " +
			"linux/arm64=ADDRESS is for what runs on that platform",
	}}
}

// engineAddresses are what --engine says.
type engineAddresses struct {
	fallback string // empty for the embedded engine
	platform map[string]string
	// pool are all those that are for all platforms: fallback is one of them.
	pool []string
}

func parseEngines(flags []string) (engineAddresses, error) {
	a := engineAddresses{platform: map[string]string{}}
	for _, f := range flags {
		platform, address, mapped := strings.Cut(f, "=")
		if !mapped || strings.Contains(platform, ":") { // an address may hold one, too
			if a.pool = append(a.pool, f); len(a.pool) == 1 {
				a.fallback = f
			}
			continue
		}
		if goos, arch, ok := strings.Cut(platform, "/"); !ok || goos != "linux" || arch == "" || address == "" {
			return a, usagef("--engine: want an address, or one for a platform such as linux/arm64=tcp://10.0.0.7:1234, got %q", platform+"=…")
		}
		if a.platform[platform] != "" {
			return a, usagef("--engine: two addresses are for %s", platform)
		}
		a.platform[platform] = address
	}
	return a, nil
}

// engines are the connections of one build, each made when it is first needed.
type engines struct {
	env *environment

	mu   sync.Mutex
	open map[string]*engine.Engine // by address
}

// close ends all connections.
func (e *engines) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, conn := range e.open {
		conn.Close() //nolint:errcheck // nothing is lost
	}
}

func (e *engines) at(ctx context.Context, address string) (*engine.Engine, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if conn := e.open[address]; conn != nil {
		return conn, nil
	}
	conn, err := e.env.connectTo(ctx, address)
	if err != nil {
		return nil, err
	}
	if e.open == nil {
		e.open = map[string]*engine.Engine{}
	}
	e.open[address] = conn
	return conn, nil
}

// running is the engine for what runs on the platform: the one that --engine
// names for it, else the one for everything if that can run it.
func (e *engines) running(ctx context.Context, platform string) (*engine.Engine, error) {
	addresses := e.env.engines
	if address := addresses.platform[platform]; address != "" {
		return e.at(ctx, address)
	}
	conn, err := e.at(ctx, addresses.fallback)
	if err != nil {
		return nil, err
	}
	can, err := conn.Platforms(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(can, platform) {
		return nil, &noEngineError{platform: platform, where: conn.Where(), can: can, named: addresses.platform}
	}
	return conn, nil
}

// testing is the engine for the tests of an image for the platform: the one
// that --engine names for it, else the one that it was built on, which may
// have to emulate it.
func (e *engines) testing(ctx context.Context, platform string, builtOn *engine.Engine) (*engine.Engine, error) {
	if address := e.env.engines.platform[platform]; address != "" {
		return e.at(ctx, address)
	}
	return builtOn, nil
}

// noEngineError says that no engine can run what is to be built.
type noEngineError struct {
	platform, where string
	can             []string
	named           map[string]string
}

func (e *noEngineError) Error() string {
	choices := []string{fmt.Sprintf("the %s engine runs %s", e.where, strings.Join(e.can, ", "))}
	for _, p := range slices.Sorted(maps.Keys(e.named)) {
		choices = append(choices, "one is named for "+p)
	}
	return fmt.Sprintf("building on %s: no engine runs it: %s", e.platform, strings.Join(choices, "; "))
}

// Hint is the way out.
func (e *noEngineError) Hint() string {
	return "--engine " + e.platform + "=ADDRESS names a BuildKit on such a machine; " +
		"or have this one emulate it, by qemu-user-static registered with binfmt_misc (flag F)"
}

// connectTo connects to the engine at address, or to the embedded one where it
// is empty.
func (e *environment) connectTo(ctx context.Context, address string) (*engine.Engine, error) {
	cfg, err := e.engineConfig()
	if err != nil {
		return nil, err
	}
	cfg.Address = address
	conn, err := engine.Connect(ctx, cfg)
	if err == nil && conn.Outdated {
		fmt.Fprintln(os.Stderr, "note: the engine is in use and keeps the settings it was started with, such as proxies; "+
			"`kiln engine stop` when the other builds have ended lets the next one begin with these")
	}
	if err != nil && address != "" && hint(err) == "" {
		return nil, withHint{err, "check the address (--engine, KILN_ENGINE or BUILDKIT_HOST), or set none to use the embedded engine"}
	}
	return conn, err
}

// connect connects to the engine that is for everything.
func (e *environment) connect(ctx context.Context) (*engine.Engine, error) {
	return e.connectTo(ctx, e.engines.fallback)
}
