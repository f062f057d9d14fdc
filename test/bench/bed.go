package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

// bed is what both pipelines stand on: one registry on loopback, one signing
// key, and folders.
type bed struct {
	// work is the absolute path of a folder that stays between runs, tmp that
	// of one that does not.
	work, tmp string
	// bin holds the programs, root is the repository's.
	bin, root string
	// host is the registry's host:port.
	host     string
	registry *daemon
	// key is cosign's private key, without a password.
	key string
}

func newBed(ctx context.Context, work string) (*bed, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	b := &bed{root: root, bin: filepath.Join(root, "bin"), work: filepath.Join(root, work)}
	if err := os.MkdirAll(b.work, 0o755); err != nil {
		return nil, err
	}
	if b.tmp, err = os.MkdirTemp(b.work, "run-"); err != nil {
		return nil, err
	}
	if err := b.fill(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bed) fill(ctx context.Context) error {
	b.key = filepath.Join(b.tmp, "cosign.key")
	if _, err := command(ctx, []string{"COSIGN_PASSWORD="}, b.tool("cosign"),
		"generate-key-pair", "--output-key-prefix", filepath.Join(b.tmp, "cosign")); err != nil {
		return err
	}
	return b.startRegistry(ctx)
}

func (b *bed) tool(name string) string { return filepath.Join(b.bin, name) }

// startRegistry starts the CNCF registry without TLS, so that neither side
// pays for it.
func (b *bed) startRegistry(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.host = l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	config := filepath.Join(b.tmp, "registry.yaml")
	text := fmt.Sprintf("version: 0.1\nlog: {accesslog: {disabled: true}, level: error}\n"+
		"storage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n",
		filepath.Join(b.tmp, "registry"), b.host)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return err
	}
	b.registry, err = start(ctx, filepath.Join(b.tmp, "registry.log"), func() error {
		resp, err := http.Get("http://" + b.host + "/v2/")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}, b.tool("registry"), "serve", config)
	return err
}

func (b *bed) close() {
	if b.registry != nil {
		b.registry.stop()
	}
	if err := os.RemoveAll(b.tmp); err != nil {
		log.Print(err)
	}
}

// copySource puts a copy of the service below dir.
func (b *bed) copyRecipe(dir string) error {
	return os.CopyFS(dir, os.DirFS(filepath.Join(b.root, "recipes/catalog/hello")))
}
