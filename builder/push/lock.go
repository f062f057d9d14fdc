package push

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sys/unix"
)

// lockPause is the time between two looks at a lock.
const lockPause = 20 * time.Millisecond

// lock keeps other processes of this machine from attaching to the same image
// meanwhile: where a registry has no referrers API, and for cosign's tags
// everywhere, that is reading a list, adding to it, and writing it back, which
// no registry can be asked to do at once. The kernel drops the lock when the
// process ends, however it ends.
func (r *Registry) lock(ctx context.Context, ref name.Digest) (unlock func(), err error) {
	if r.locks == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(r.locks, 0o700); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(ref.Name()))
	f, err := os.OpenFile(filepath.Join(r.locks, hex.EncodeToString(sum[:8])+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { f.Close() }, nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
		}
		if err := sleep(ctx, lockPause); err != nil {
			f.Close()
			return nil, err
		}
	}
}
