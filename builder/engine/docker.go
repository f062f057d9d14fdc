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
	if _, err := d.run(ctx, answerTimeout, "version", "--format", "{{.Server.Version}}"); err != nil {
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
	if _, err := d.run(ctx, remoteTimeout, "start", name); err == nil {
		return nil
	}
	_, err := d.run(ctx, 10*time.Minute, "run", "--detach", "--privileged", "--name", name,
		"--volume", name+":/var/lib/buildkit", image)
	if err != nil {
		return fmt.Errorf("starting container %s: %w", name, err)
	}
	return nil
}

// run returns what docker prints; its error is the last line it complains with.
func (d dockerCLI) run(ctx context.Context, limit time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, d.path, args...)
	cmd.Env = d.env
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if complaint := lastLines(stderr.String(), 1); err != nil && complaint != "" {
		err = errors.New(complaint)
	}
	return strings.TrimSpace(stdout.String()), err
}

// clientVersion is the version of BuildKit that kiln is built with.
func clientVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return buildkitVersion(info)
}
