package engine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"
)

// connectDocker connects to a BuildKit container of the Docker daemon, which
// it starts where it is not running. Its cache is a Docker volume; it stays
// until `docker rm -f` removes it.
func connectDocker(ctx context.Context, cfg Config) (*Engine, error) {
	docker, err := findProgram(cfg.Env, "docker", "docker.io")
	if err != nil {
		return nil, err
	}
	d := dockerCLI{docker, cfg.Env}
	if err := d.run(ctx, answerTimeout, "version", "--format", "{{.Server.Version}}"); err != nil {
		return nil, fmt.Errorf("asking the daemon: %w", err)
	}
	version := clientVersion()
	if version == "" {
		return nil, errors.New("this build of kiln does not know its BuildKit version")
	}
	name := "kiln-engine-" + version
	if err := d.ensure(ctx, name, "moby/buildkit:"+version); err != nil {
		return nil, err
	}
	return connectRemote(ctx, "docker-container://"+name, TLS{})
}

type dockerCLI struct {
	path string
	env  []string
}

// ensure starts the container name, and makes it from image where there is
// none.
func (d dockerCLI) ensure(ctx context.Context, name, image string) error {
	if err := d.run(ctx, remoteTimeout, "start", name); err == nil {
		return nil
	}
	err := d.run(ctx, 10*time.Minute, "run", "--detach", "--privileged", "--name", name,
		"--volume", name+":/var/lib/buildkit", image)
	if err != nil {
		return fmt.Errorf("starting container %s: %w", name, err)
	}
	return nil
}

// run executes docker; its error is the last line it complains with.
func (d dockerCLI) run(ctx context.Context, limit time.Duration, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, d.path, args...) //nolint:gosec // found in PATH
	cmd.Env = d.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	err := cmd.Run()
	if complaint := lastLines(stderr.String(), 1); err != nil && complaint != "" {
		return errors.New(complaint)
	}
	return err
}

// clientVersion is the version of BuildKit that kiln is built with.
func clientVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return buildkitVersion(info)
}
