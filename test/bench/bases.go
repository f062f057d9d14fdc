package main

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// caBundle is where Debian keeps the trusted certificates.
const caBundle = "etc/ssl/certs/ca-certificates.crt"

// pushBuildBase pushes a Debian image, as a registry would have it ready, and
// returns its reference. It is made from the host's own mirror, once, and
// trusts the certificates that the host trusts.
func pushBuildBase(ctx context.Context, b *bed) (string, error) {
	path := filepath.Join(b.work, "trixie.tar")
	if _, err := os.Stat(path); err != nil {
		if err := bootstrap(ctx, path); err != nil {
			return "", err
		}
	}
	debian, err := tarball.LayerFromFile(path)
	if err != nil {
		return "", err
	}
	ca, err := os.ReadFile("/" + caBundle)
	if err != nil {
		return "", err
	}
	trust, err := files(map[string][]byte{caBundle: ca})
	if err != nil {
		return "", err
	}
	return pushBase(ctx, b.host+"/base/debian:trixie", debian, trust)
}

// bootstrap writes a minimal Debian with backports to path.
func bootstrap(ctx context.Context, path string) error {
	mirror, err := mirror(ctx)
	if err != nil {
		return err
	}
	const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
	args := []string{
		"--variant=minbase", "--include=ca-certificates", "--quiet",
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=force-unsafe-io",
		"trixie", path + ".tmp.tar",
	}
	for _, suite := range []string{"trixie", "trixie-updates", "trixie-backports"} {
		args = append(args, "deb [signed-by="+keyring+"] "+mirror+" "+suite+" main")
	}
	if _, err := command(ctx, nil, "mmdebstrap", args...); err != nil {
		return err
	}
	return os.Rename(path+".tmp.tar", path)
}

// mirror is the Debian mirror that the host's apt uses.
func mirror(ctx context.Context) (string, error) {
	out, err := command(ctx, nil, "apt-get", "indextargets", "--format", "$(REPO_URI)",
		"Created-By: Packages", "Origin: Debian", "Label: Debian")
	if err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(out, "\n")
	return first, nil
}

// pushRuntimeBase pushes a distroless image: certificates and one user.
func pushRuntimeBase(ctx context.Context, b *bed) (string, error) {
	ca, err := os.ReadFile("/" + caBundle)
	if err != nil {
		return "", err
	}
	layer, err := files(map[string][]byte{
		caBundle:     ca,
		"etc/passwd": []byte("nonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n"),
		"etc/group":  []byte("nonroot:x:65532:\n"),
	})
	if err != nil {
		return "", err
	}
	return pushBase(ctx, b.host+"/base/distroless:latest", layer)
}

// files is a layer of the given files.
func files(content map[string][]byte) (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, path := range slices.Sorted(maps.Keys(content)) {
		data := content[path]
		if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(buf.Bytes())), nil
	})
}

// pushBase pushes an image of the given layers for this benchmark's platform and
// returns its reference by digest.
func pushBase(ctx context.Context, to string, layers ...v1.Layer) (string, error) {
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return "", err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return "", err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	config.Config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return "", err
	}
	ref, err := name.ParseReference(to)
	if err != nil {
		return "", err
	}
	if err := remote.Write(ref, img, remote.WithContext(ctx)); err != nil {
		return "", err
	}
	digest, err := img.Digest()
	return ref.Context().Digest(digest.String()).String(), err
}
