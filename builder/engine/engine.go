// Package engine connects to the BuildKit daemon that runs kiln's builds, and
// starts one where none is named: the embedded buildkitd, shared by all kiln
// processes of a user, which stops by itself when nobody needs it.
//
// The package does not build anything and shows no progress; callers use the
// BuildKit client that [Engine] holds. It reads no environment variables:
// what they say is in [Config]. Start at [Connect].
//
// The embedded engine is two processes. A supervisor (kiln itself, running
// [Serve] in a session of its own) starts buildkitd as its child and watches
// over it. Files in Config.StateDir tie the processes together, and only the
// kernel's locks on them are believed, since those end with their holder:
//
//	engine.lock     held exclusively by the supervisor while it lives
//	start.lock      held exclusively by a client while it starts a supervisor
//	clients         held shared by every connected client; who holds it
//	                exclusively knows that there is none
//	state.json      process id, socket and version of the running engine
//	serve.json      what the supervisor is told by the client that starts it
//	buildkitd.toml  configuration of buildkitd
//	engine.log      output of buildkitd and the supervisor; one old copy is kept
//	root            cache and content, buildkitd's own
package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/moby/buildkit/client"
)

// Config says which engine to use. StateDir and Self are required for the
// embedded engine; the zero value of all other fields is useful.
type Config struct {
	// Address is where a BuildKit daemon listens: unix://, tcp://, ssh://,
	// docker-container://, podman-container:// or kube-pod://, as buildctl
	// takes it. Empty is the embedded engine, else one hosted by Docker.
	Address string
	// TLS are the certificates for a tcp:// Address.
	TLS TLS
	// StateDir is the folder of the embedded engine's cache and state.
	StateDir string
	// RuntimeDir is the folder of its socket, usually in XDG_RUNTIME_DIR.
	// Where it is empty or too long for a socket, a folder below /tmp is used
	// that only this user can enter.
	RuntimeDir string
	// Buildkitd is the path of buildkitd. Empty is the one beside Self, else
	// the first in PATH.
	Buildkitd string
	// Self is the path of kiln, which is run as
	// "Self engine serve ARGUMENTS..."; see [Serve].
	Self string
	// Env is the environment (NAME=value) in which programs are looked up and
	// run. The daemon gets only PATH, HOME, USER, LANG and the proxy settings
	// of it, since it outlives the process that starts it.
	Env []string
	// CacheLimit is how many bytes the embedded engine's cache may take. If
	// less than or equal to 0, a default (currently 20 GiB) is used.
	CacheLimit int64
	// Idle is how long the embedded engine stays without clients. If less
	// than or equal to 0, a default (currently 10 minutes) is used.
	Idle time.Duration
	// Registries are settings of registries, by host or host:port, for the
	// images that the embedded engine pulls.
	Registries map[string]Registry
}

const (
	defaultCacheLimit = 20 << 30
	defaultIdle       = 10 * time.Minute
)

// TLS names the PEM files of a tcp:// connection. Without CA the server's
// certificate is checked against the system's authorities.
type TLS struct {
	CA, Cert, Key string
	// ServerName is the name the server's certificate must have. Empty is the
	// host of the address.
	ServerName string
}

// Registry says how to reach one registry.
type Registry struct {
	// Mirrors are asked first, in order: host[:port][/path].
	Mirrors []string `toml:"mirrors,omitempty"`
	// CA are files of certificate authorities, in PEM.
	CA []string `toml:"ca,omitempty"`
	// HTTP is for a registry without TLS.
	HTTP bool `toml:"http,omitempty"`
}

// Engine is a connection to a BuildKit daemon. Close it; as long as it is
// open the embedded engine does not stop.
type Engine struct {
	*client.Client
	// Version is the daemon's, as it says itself.
	Version string

	// Outdated is whether it is an embedded engine that was started with
	// other settings (proxies, authorities, its own program) and could not be
	// replaced, since others use it.
	Outdated bool

	where   string
	clients *lockFile // nil unless embedded
}

// Where says which engine this is, fit for a provenance statement: "embedded",
// "embedded rootless", or a remote address without user name and parameters.
func (e *Engine) Where() string { return e.where }

// Close ends the connection. An embedded engine goes on for Config.Idle.
func (e *Engine) Close() error {
	err := e.Client.Close()
	if e.clients != nil {
		e.clients.touch()
		err = errors.Join(err, e.clients.Close())
	}
	return err
}

// Connect returns a connection to a daemon that answers. With an Address it is
// that daemon or an error. Without, it is the embedded engine, which is started
// where it is not running; where that cannot be had here, a BuildKit container
// of the Docker daemon; else an [*UnavailableError] says what kept each choice
// from being used.
func Connect(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Address != "" {
		return connectRemote(ctx, cfg.Address, cfg.TLS)
	}
	unavailable := &UnavailableError{}
	for _, choice := range []struct {
		name    string
		connect func(context.Context, Config) (*Engine, error)
	}{
		{"embedded engine", connectEmbedded},
		{"docker", connectDocker},
	} {
		e, err := choice.connect(ctx, cfg)
		if err == nil {
			return e, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("connecting to the %s: %w", choice.name, context.Cause(ctx))
		}
		unavailable.Tried = append(unavailable.Tried, Attempt{choice.name, err})
	}
	unavailable.Tried = append(unavailable.Tried, Attempt{"remote engine", errNoAddress})
	return nil, unavailable
}

// newEngine asks the daemon for its version, which is also the proof that it
// is there. On error the client is closed.
func newEngine(ctx context.Context, c *client.Client, where string) (*Engine, error) {
	info, err := c.Info(ctx)
	if err != nil {
		c.Close() //nolint:errcheck // the connection was of no use
		return nil, err
	}
	return &Engine{Client: c, Version: info.BuildkitVersion.Version, where: where}, nil
}

func rootless() bool { return os.Geteuid() != 0 }
