// Package archive reads the Debian archive by itself: it verifies a suite's
// InRelease against the archive's OpenPGP keys, reads the package indexes that
// InRelease vouches for, works out which packages a set of seeds needs, and
// downloads and unpacks them. Every byte it hands on is covered by a chain of
// SHA-256 digests that starts at a good signature.
//
// It runs no maintainer script, needs neither apt nor dpkg, and does not
// install: [WriteRootTar] makes the root file system in which dpkg does that.
// It reads the component main only. Which mirrors serve the archive is the
// caller's to say; a lock made from what this package returns names paths in
// the archive and never a host.
//
// Start at [New], then [Client.Index] and [Index.Resolve]; [Client.Fetch]
// downloads what they found and [OpenDeb] reads it.
package archive

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/kiln-build/kiln/builder/blobs"
)

// The two archives that Debian's suites are in.
const (
	Debian   = "debian"
	Security = "debian-security"
)

// Config says where the archive is found and whom to trust.
type Config struct {
	// Mirrors are the base URLs of each archive ("debian",
	// "debian-security"), in the order in which they are tried.
	Mirrors map[string][]string
	// Keyring holds OpenPGP public keys, binary or armored. Any of them may
	// sign a suite. See [DefaultKeyring].
	Keyring []byte
	// Cache keeps the downloaded packages.
	Cache *blobs.Store
	// IndexDir is the folder that keeps InRelease files and parsed indexes.
	IndexDir string
	// MaxAge is how long an InRelease is used without asking the mirror for
	// a newer one. Zero asks each time.
	MaxAge time.Duration
	// HTTP sends the requests. Nil is a client that gives up on a mirror
	// which does not answer within 30 seconds.
	HTTP *http.Client
	// Now is the time that Valid-Until and the expiry of keys are checked
	// against. Nil is the clock of the machine. For a dated snapshot of the
	// archive it returns the snapshot's date.
	Now func() time.Time
	// Parallel is how many files are downloaded at once. If less than or
	// equal to 0, a default (currently 6) is used.
	Parallel int
	// Progress, where not nil, is told how many bytes of path have arrived.
	// It is called by several goroutines at once.
	Progress func(path string, done, total int64)
}

// Client reads the Debian archive. It may be used by several goroutines.
type Client struct {
	mirrors  map[string][]string
	keys     openpgp.EntityList
	cache    *blobs.Store
	dir      string
	maxAge   time.Duration
	http     *http.Client
	now      func() time.Time
	slots    chan struct{}
	progress func(string, int64, int64)
	flights  flights
	// pause is the first wait between two attempts at a mirror.
	pause time.Duration
}

// defaultParallel keeps the connections to one mirror below what public
// mirrors begin to refuse.
const defaultParallel = 6

// New returns a client for the archive that cfg describes.
func New(cfg Config) (*Client, error) {
	if cfg.Cache == nil || cfg.IndexDir == "" {
		return nil, errors.New("opening the Debian archive: Config.Cache and Config.IndexDir are required")
	}
	mirrors, err := checkMirrors(cfg.Mirrors)
	if err != nil {
		return nil, err
	}
	keys, err := readKeyring(cfg.Keyring)
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"release", "index"} {
		if err := os.MkdirAll(filepath.Join(cfg.IndexDir, d), 0o755); err != nil {
			return nil, fmt.Errorf("making the index folder: %w", err)
		}
	}
	c := &Client{
		mirrors: mirrors, keys: keys, cache: cfg.Cache, dir: cfg.IndexDir,
		maxAge: cfg.MaxAge, http: cfg.HTTP, now: cfg.Now,
		progress: cfg.Progress, pause: 300 * time.Millisecond,
	}
	c.setDefaults(cfg.Parallel)
	return c, nil
}

func (c *Client) setDefaults(parallel int) {
	if parallel <= 0 {
		parallel = defaultParallel
	}
	c.slots = make(chan struct{}, parallel)
	if c.now == nil {
		c.now = time.Now //nolint:forbidigo // reaches no plan, lock or image: it only decides what has expired
	}
	if c.http == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.ResponseHeaderTimeout = 30 * time.Second
		t.MaxIdleConnsPerHost = parallel
		c.http = &http.Client{Transport: t}
	}
	if c.progress == nil {
		c.progress = func(string, int64, int64) {}
	}
}

// checkMirrors requires at least one base URL for the archive "debian".
func checkMirrors(in map[string][]string) (map[string][]string, error) {
	out := map[string][]string{}
	for name, urls := range in {
		for _, u := range urls {
			if !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
				return nil, fmt.Errorf("reading the mirrors of %s: %q is not an http or https URL", name, redact(u))
			}
			out[name] = append(out[name], strings.TrimRight(u, "/"))
		}
	}
	if len(out[Debian]) == 0 {
		return nil, ErrNoMirror
	}
	return out, nil
}

// ErrNoMirror says that no mirror of the Debian archive is configured.
var ErrNoMirror error = hinted{
	"no mirror of the Debian archive is configured",
	"--mirror debian-security=URL names the mirror of security updates, which --mirror URL does not",
}
