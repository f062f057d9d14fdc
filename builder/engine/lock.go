package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockFile is an open file with a flock(2) lock, which the kernel drops when
// the process ends, however it ends.
type lockFile struct {
	*os.File
}

// lockPause is the time between two attempts at a lock. Holders that others
// wait for in vain hold it for milliseconds.
const lockPause = 5 * time.Millisecond

var errLocked = errors.New("locked by another process")

func openLock(path string) (*lockFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &lockFile{f}, nil
}

// try takes the lock (unix.LOCK_SH or unix.LOCK_EX) or returns errLocked. A
// lock that the file has already is converted, or lost on error.
func (l *lockFile) try(how int) error {
	for {
		err := unix.Flock(int(l.Fd()), how|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return errLocked
		default:
			return err
		}
	}
}

// wait takes the lock as soon as it can be had, or until ctx ends.
func (l *lockFile) wait(ctx context.Context, how int) error {
	for {
		err := l.try(how)
		if !errors.Is(err, errLocked) {
			return err
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("waiting for %s: %w", l.Name(), err)
		}
	}
}

// tryExclusive is try(unix.LOCK_EX) that does not give up for another process
// which only looks whether the lock is free.
func (l *lockFile) tryExclusive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*lockPause)
	defer cancel()
	return l.wait(ctx, unix.LOCK_EX)
}

// unlock drops the lock and keeps the file open.
func (l *lockFile) unlock() {
	unix.Flock(int(l.Fd()), unix.LOCK_UN) //nolint:errcheck // cannot fail on an open file
}

// isAt reports whether path is still this file: another process may have
// removed it, and made another there.
func (l *lockFile) isAt(path string) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	mine, err := l.Stat()
	return err == nil && os.SameFile(mine, there)
}

// touch notes in the file's modification time that it was in use just now.
func (l *lockFile) touch() {
	unix.Futimes(int(l.Fd()), nil) //nolint:errcheck // a hint for the idle time only
}

// lock opens path and takes its exclusive lock within ctx.
func lock(ctx context.Context, path string) (*lockFile, error) {
	l, err := openLock(path)
	if err != nil {
		return nil, err
	}
	if err := l.wait(ctx, unix.LOCK_EX); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// isLocked reports whether another process holds the exclusive lock of path.
func isLocked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is((&lockFile{f}).try(unix.LOCK_SH), errLocked)
}

// pause sleeps for lockPause, or returns why ctx ended.
func pause(ctx context.Context) error {
	t := time.NewTimer(lockPause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
