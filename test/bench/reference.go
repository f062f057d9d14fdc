package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// reference is the pipeline that kiln replaces.
type reference struct {
	*bed
	dir               string
	buildBase, rtBase string
	args              []string
	buildkitd         *daemon
}

func newReference(ctx context.Context, b *bed) (*reference, error) {
	r := &reference{bed: b, dir: filepath.Join(b.tmp, "reference")}
	err := b.copyRecipe(r.dir)
	if err != nil {
		return nil, err
	}
	if r.buildBase, err = pushBuildBase(ctx, b); err != nil {
		return nil, err
	}
	if r.rtBase, err = pushRuntimeBase(ctx, b); err != nil {
		return nil, err
	}
	for _, v := range []string{"GOPROXY", "GOSUMDB"} {
		value, err := command(ctx, nil, "go", "env", v)
		if err != nil {
			return nil, err
		}
		r.args = append(r.args, "--opt", "build-arg:"+v+"="+value)
	}
	return r, r.startEngine(ctx)
}

func (r *reference) name() string   { return "reference" }
func (r *reference) source() string { return filepath.Join(r.dir, "src") }
func (r *reference) socket() string { return "unix://" + filepath.Join(r.dir, "buildkitd.sock") }

// startEngine starts the same buildkitd that kiln embeds.
func (r *reference) startEngine(ctx context.Context) (err error) {
	config := filepath.Join(r.dir, "buildkitd.toml")
	text := fmt.Sprintf("[registry.%q]\nhttp = true\n[worker.containerd]\nenabled = false\n", r.host)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return err
	}
	r.buildkitd, err = start(ctx, filepath.Join(r.dir, "buildkitd.log"), func() error {
		_, err := command(ctx, nil, r.tool("buildctl"), "--addr", r.socket(), "debug", "workers")
		return err
	}, r.tool("buildkitd"), "--config", config, "--addr", r.socket(), "--root", filepath.Join(r.dir, "root"))
	return err
}

func (r *reference) clean(ctx context.Context) error {
	r.buildkitd.stop()
	if err := os.RemoveAll(filepath.Join(r.dir, "root")); err != nil {
		return err
	}
	return r.startEngine(ctx)
}

func (r *reference) close() { r.buildkitd.stop() }

// build builds and pushes the image, then signs it while syft reads it, and
// attests what syft found.
func (r *reference) build(ctx context.Context, repo string) error {
	image, err := r.image(ctx, r.host+"/"+repo)
	if err != nil {
		return err
	}
	signed := make(chan error, 1)
	go func() { signed <- r.cosign(ctx, "sign", image) }()
	bom := filepath.Join(r.dir, "sbom.json")
	_, err = command(ctx, []string{"SYFT_REGISTRY_INSECURE_USE_HTTP=true", "SYFT_CHECK_FOR_APP_UPDATE=false"},
		r.tool("syft"), "scan", "registry:"+image, "-q", "-o", "spdx-json="+bom)
	if err2 := <-signed; err == nil {
		err = err2
	}
	if err != nil {
		return err
	}
	return r.cosign(ctx, "attest", image, "--type", "spdxjson", "--predicate", bom)
}

// image has BuildKit build the Dockerfile and returns what it pushed.
func (r *reference) image(ctx context.Context, repo string) (string, error) {
	metadata := filepath.Join(r.dir, "metadata.json")
	args := append([]string{
		"--addr", r.socket(), "build", "--progress", "plain",
		"--frontend", "dockerfile.v0",
		"--local", "context=" + r.source(),
		"--local", "dockerfile=" + filepath.Join(r.root, "test/bench"),
		"--opt", "build-arg:BUILD_BASE=" + r.buildBase,
		"--opt", "build-arg:RUNTIME_BASE=" + r.rtBase,
		"--opt", "attest:provenance=mode=max",
		"--output", "type=image,push=true,name=" + repo + ":1.0.0",
		"--metadata-file", metadata,
	}, r.args...)
	if _, err := command(ctx, nil, r.tool("buildctl"), args...); err != nil {
		return "", err
	}
	data, err := os.ReadFile(metadata)
	if err != nil {
		return "", err
	}
	var result struct {
		Digest string `json:"containerimage.digest"`
	}
	if err := json.Unmarshal(data, &result); err != nil {
		return "", err
	}
	return repo + "@" + result.Digest, nil
}

// cosign signs or attests with the key, without a transparency log.
func (r *reference) cosign(ctx context.Context, verb, image string, args ...string) error {
	args = append([]string{verb, "--key", r.key, "--tlog-upload=false", "--yes"}, args...)
	_, err := command(ctx, []string{"COSIGN_PASSWORD="}, r.tool("cosign"), append(args, image)...)
	return err
}
