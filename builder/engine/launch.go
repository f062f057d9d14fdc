package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// launch is all that a supervisor must know, as serve.json.
type launch struct {
	StateDir    string
	Socket      string
	Self        string
	Buildkitd   string
	Runc        string
	Rootlesskit string `json:",omitempty"` // empty for root
	// Shared means that steps see the engine's processes, where a process
	// namespace of their own cannot be had.
	Shared bool `json:",omitempty"`
	// Slirp means that rootlesskit gives the engine a network of its own, by
	// slirp4netns. Only there can it make the devices that record a fetch.
	Slirp bool `json:",omitempty"`
	Idle  time.Duration
	Env   []string
	// Digest tells configurations apart that need another buildkitd.
	Digest string
}

// newLaunch finds the programs and decides all paths. Its result has no effect
// yet, but the folder of the socket is made.
func newLaunch(cfg Config) (*launch, error) {
	if cfg.StateDir == "" || cfg.Self == "" {
		return nil, errors.New("no state folder or no path of kiln itself is set")
	}
	state, err := filepath.Abs(cfg.StateDir)
	if err != nil {
		return nil, err
	}
	l := &launch{StateDir: state, Self: cfg.Self, Idle: cfg.Idle, Env: daemonEnv(cfg.Env)}
	if l.Idle <= 0 {
		l.Idle = defaultIdle
	}
	if err := l.findPrograms(cfg); err != nil {
		return nil, err
	}
	if l.Socket, err = socketPath(cfg.RuntimeDir, state); err != nil {
		return nil, err
	}
	l.Digest, err = l.digest(cfg)
	return l, err
}

// digest is over buildkitd's configuration, the program itself and the
// settings of its network, which only a new process can take up.
func (l *launch) digest(cfg Config) (string, error) {
	toml, err := daemonTOML(l, cfg)
	if err != nil {
		return "", err
	}
	fi, err := os.Stat(l.Buildkitd)
	if err != nil {
		return "", err
	}
	parts := []string{string(toml), l.Buildkitd, fi.ModTime().UTC().String(), strconv.FormatInt(fi.Size(), 10)}
	for _, v := range l.Env {
		if name, _, _ := strings.Cut(v, "="); isNetworkVariable(name) {
			parts = append(parts, v)
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:]), nil
}

// cgroup is the parent of the control groups of this engine's containers.
func (l *launch) cgroup() string { return "kiln/" + stateID(l.StateDir) }

// stateID tells engines apart where a short name is needed.
func stateID(stateDir string) string {
	sum := sha256.Sum256([]byte(stateDir))
	return hex.EncodeToString(sum[:4])
}

func (l *launch) path(name string) string { return filepath.Join(l.StateDir, name) }

// write leaves what the supervisor and buildkitd read at their start.
func (l *launch) write(cfg Config) error {
	toml, err := daemonTOML(l, cfg)
	if err != nil {
		return err
	}
	if err := writeFile(l.path("buildkitd.toml"), toml); err != nil {
		return err
	}
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(l.path("serve.json"), append(data, '\n'))
}

func readLaunch(stateDir string) (*launch, error) {
	data, err := os.ReadFile(filepath.Join(stateDir, "serve.json"))
	if err != nil {
		return nil, err
	}
	l := &launch{}
	if err := json.Unmarshal(data, l); err != nil {
		return nil, fmt.Errorf("reading serve.json: %w", err)
	}
	return l, nil
}

// writeFile replaces a file at once, for this user only.
func writeFile(path string, data []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
