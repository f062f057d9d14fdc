package main

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
)

// environment is what kiln takes from the machine it runs on: folders by the
// XDG base directory specification, mirrors, proxies, certificates.
type environment struct {
	cache, state, runtime string
	mirrors               []string // --mirror
	keyring               string   // --keyring
	engines               engineAddresses

	// goEnv is the go command's environment, asked for at most once.
	goEnv func() map[string]string
	// snapshot is the time of the archive to lock with; zero is now.
	snapshot time.Time
	// offline forbids the network, but for registries that are named.
	offline bool
	// fresh, where it is set, is a folder for an embedded engine and results of
	// one build alone, which begins with neither.
	fresh string
}

func newEnvironment(c *cli.Context) (*environment, error) {
	env, err := newPooled(c)
	if err == nil && len(env.engines.pool) > 1 {
		return nil, usagef("--engine: two addresses are for all platforms; want PLATFORM=ADDRESS for all but one")
	}
	return env, err
}

// newPooled is newEnvironment for commands that can use several engines.
func newPooled(c *cli.Context) (*environment, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("finding the cache folder: %w", err)
	}
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // relative paths are invalid, says the specification
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, fmt.Errorf("finding the state folder: %w", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	addresses, err := parseEngines(c.StringSlice("engine"))
	if err != nil {
		return nil, err
	}
	env := &environment{
		cache: filepath.Join(cache, "kiln"), state: filepath.Join(state, "kiln"),
		mirrors: c.StringSlice("mirror"), keyring: c.String("keyring"), engines: addresses,
		goEnv: sync.OnceValue(readGoEnv), snapshot: configOf(c).Catalog.SnapshotTime(),
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		env.runtime = filepath.Join(dir, "kiln")
	}
	return env, nil
}

// archiveFlags are the flags of commands that read the Debian archive.
func archiveFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{
			Name: "mirror", EnvVars: []string{"KILN_MIRROR"},
			Usage: "`URL` of a mirror of the Debian archive, or debian-security=URL for that of security updates (default: those of apt on this machine)",
		},
		&cli.StringFlag{Name: "keyring", EnvVars: []string{"KILN_KEYRING"}, Usage: "`FILE` of OpenPGP keys that may sign the archive (default: Debian's)"},
	}
}

func (e *environment) memo() memo.Dir {
	return memo.Dir(filepath.Join(cmp.Or(e.fresh, e.cache), "memo"))
}

// verdicts has what was found out of images in registries. It is no cache, which
// others may fill: what is in it counts as verified.
func (e *environment) verdicts() memo.Dir { return memo.Dir(filepath.Join(e.state, "audit")) }

func (e *environment) blobs() (*blobs.Store, error) { return blobs.Open(e.cache) }

// http is a client that tries again after broken connections, 429 and 5xx.
func (e *environment) http() *http.Client {
	if e.offline {
		return &http.Client{Transport: offline{}}
	}
	c := retryablehttp.NewClient()
	c.RetryMax, c.RetryWaitMin, c.RetryWaitMax = 4, 500*time.Millisecond, 10*time.Second
	c.Logger = nil
	return c.StandardClient()
}

// archive is a client of the Debian archive. For a build from a lock, l, what
// the mirrors have dropped is asked of the archive of all that Debian ever
// published; for locking, l is nil.
func (e *environment) archive(store *blobs.Store, l *recipes.Lock, progress func(string, int64, int64)) (*archive.Client, error) {
	mirrors, err := e.mirrorURLs(l)
	if err != nil {
		return nil, err
	}
	var keyring []byte
	if e.keyring != "" {
		keyring, err = os.ReadFile(e.keyring)
	} else {
		keyring, err = archive.DefaultKeyring("/")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the archive's keys: %w", err)
	}
	var transport *http.Client
	if e.offline {
		transport = e.http()
	}
	cfg := archive.Config{
		HTTP:    transport,
		Mirrors: mirrors, Keyring: keyring, Cache: store, IndexDir: filepath.Join(e.cache, "archive"),
		MaxAge: 10 * time.Minute, Progress: progress,
	}
	if l == nil && !e.snapshot.IsZero() { // its indexes are older than those of now, and are not held against them
		cfg.Now = func() time.Time { return e.snapshot }
		cfg.IndexDir = filepath.Join(e.cache, "archive", e.snapshot.Format(recipes.SnapshotForm))
	}
	return archive.New(cfg)
}

// preparer makes ready what plans start from; the engine works ahead.
func (e *environment) preparer(debian *archive.Client, images *registryImages, b *builder.Engine) *builder.Preparer {
	return &builder.Preparer{
		Archive: debian, Sources: e.sources(b.Store, debian), Store: b.Store, Memo: e.memo(), Image: images.image, Warm: b.Warm,
	}
}

func (e *environment) engineConfig() (engine.Config, error) {
	self, err := os.Executable()
	if err != nil {
		return engine.Config{}, fmt.Errorf("finding kiln itself: %w", err)
	}
	return engine.Config{
		Address: e.engines.fallback, StateDir: filepath.Join(cmp.Or(e.fresh, e.state), "engine"), RuntimeDir: e.runtime,
		Self: self, Env: os.Environ(),
		TLS: engine.TLS{CA: os.Getenv("KILN_ENGINE_CA"), Cert: os.Getenv("KILN_ENGINE_CERT"), Key: os.Getenv("KILN_ENGINE_KEY")},
	}, nil
}
