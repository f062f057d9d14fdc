package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// The types below are the part of buildkitd.toml that kiln sets; see
// docs/buildkitd.toml.md in the BuildKit module for what each key means.

type daemonConfig struct {
	Root       string              `toml:"root"`
	GRPC       grpcConfig          `toml:"grpc"`
	CDI        cdiConfig           `toml:"cdi"`
	History    historyConfig       `toml:"history"`
	Worker     workerConfig        `toml:"worker"`
	Registries map[string]Registry `toml:"registry,omitempty"`
	// Entitlements is empty: no step gets the host's network by asking, nor
	// more rights than a container has.
	Entitlements []string `toml:"insecure-entitlements"`
}

type grpcConfig struct {
	Address []string `toml:"address"`
	UID     int      `toml:"uid"`
	GID     int      `toml:"gid"`
}

type cdiConfig struct {
	Disabled bool `toml:"disabled"`
}

type historyConfig struct {
	MaxAge     int64 `toml:"maxAge"`
	MaxEntries int64 `toml:"maxEntries"`
}

type workerConfig struct {
	OCI        ociConfig        `toml:"oci"`
	Containerd containerdConfig `toml:"containerd"`
}

type ociConfig struct {
	Enabled     bool       `toml:"enabled"`
	Binary      string     `toml:"binary"`
	Snapshotter string     `toml:"snapshotter"`
	NetworkMode string     `toml:"networkMode"`
	Rootless    bool       `toml:"rootless"`
	Cgroup      string     `toml:"defaultCgroupParent"`
	GC          bool       `toml:"gc"`
	GCPolicy    []gcPolicy `toml:"gcpolicy"`
}

type containerdConfig struct {
	Enabled bool `toml:"enabled"`
}

type gcPolicy struct {
	All          bool     `toml:"all,omitempty"`
	Filters      []string `toml:"filters,omitempty"`
	KeepDuration string   `toml:"keepDuration,omitempty"`
	MaxUsedSpace int64    `toml:"maxUsedSpace,omitempty"`
}

// daemonTOML returns the contents of buildkitd.toml.
func daemonTOML(l *launch, cfg Config) ([]byte, error) {
	registries, err := absoluteCAs(cfg.Registries)
	if err != nil {
		return nil, err
	}
	data, err := toml.Marshal(daemonConfig{
		Root:         l.path("root"),
		GRPC:         grpcConfig{Address: []string{"unix://" + l.Socket}, UID: 0, GID: groupInside()},
		CDI:          cdiConfig{Disabled: true},
		History:      historyConfig{MaxAge: int64((48 * time.Hour).Seconds()), MaxEntries: 20},
		Registries:   registries,
		Entitlements: []string{},
		Worker: workerConfig{OCI: ociConfig{
			Enabled:     true,
			Binary:      l.Runc,
			Snapshotter: "auto",
			NetworkMode: "host",
			Rootless:    rootless(),
			Cgroup:      l.cgroup(),
			GC:          true,
			GCPolicy:    gcPolicies(cfg.CacheLimit),
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("writing buildkitd.toml: %w", err)
	}
	return data, nil
}

// groupInside is the group of the socket: the user's own, which rootlesskit
// maps to 0.
func groupInside() int {
	if rootless() {
		return 0
	}
	return os.Getgid()
}

// gcPolicies let go of sources after a week and of everything after two
// months; beyond limit bytes the longest unused goes first. Unlike BuildKit's
// own defaults they spare cache mounts, where compilers keep what makes the
// next build fast.
func gcPolicies(limit int64) []gcPolicy {
	if limit <= 0 {
		limit = defaultCacheLimit
	}
	return []gcPolicy{
		{Filters: []string{"type==source.local", "type==source.git.checkout"}, KeepDuration: "168h", MaxUsedSpace: limit / 10},
		{KeepDuration: "1440h", MaxUsedSpace: limit},
		{MaxUsedSpace: limit},
		{All: true, MaxUsedSpace: limit},
	}
}

// absoluteCAs makes the paths independent of the folder the engine starts in.
func absoluteCAs(registries map[string]Registry) (map[string]Registry, error) {
	abs := make(map[string]Registry, len(registries))
	for host, r := range registries {
		files := make([]string, len(r.CA))
		for i, f := range r.CA {
			var err error
			if files[i], err = filepath.Abs(f); err != nil {
				return nil, err
			}
		}
		r.CA = files
		abs[host] = r
	}
	return abs, nil
}
