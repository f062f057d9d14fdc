package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxSocketPath is the longest path a unix socket can have (sun_path less the
// terminating zero; unix(7)).
const maxSocketPath = 107

// socketPath is where the engine of stateDir listens. Its folder is made, for
// this user only.
func socketPath(runtimeDir, stateDir string) (string, error) {
	name := "engine-" + stateID(stateDir) + ".sock"
	if path := filepath.Join(runtimeDir, name); filepath.IsAbs(path) && len(path) <= maxSocketPath {
		if os.MkdirAll(runtimeDir, 0o700) == nil {
			return path, nil
		}
	}
	dir := "/tmp/kiln-" + strconv.Itoa(os.Geteuid())
	if err := makePrivate(dir); err != nil {
		return "", fmt.Errorf("making the folder of the engine's socket: %w", err)
	}
	return filepath.Join(dir, name), nil
}

// makePrivate makes a folder in a place where everyone may write, and refuses
// one that another user has put there.
func makePrivate(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := fi.Sys().(*syscall.Stat_t)
	if !fi.IsDir() || fi.Mode().Perm() != 0o700 || !ok || int(owner.Uid) != os.Geteuid() {
		return hint(fmt.Errorf("%s is not a folder of this user alone", dir), "remove it, or set XDG_RUNTIME_DIR")
	}
	return nil
}
