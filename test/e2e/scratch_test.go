//go:build e2e

package e2e

import (
	"testing"
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"time"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestScratch(t *testing.T) {
	b := newBed(t)
	c := exec.Command("go", "build", "-o", "/tmp/infra/hello", ".")
	c.Dir = catalog("hello") + "/src"
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "HOME=/root", "GOCACHE=/root/.cache/go-build")
	if out, err := c.CombinedOutput(); err != nil { t.Fatal(string(out)) }
	data, _ := os.ReadFile("/tmp/infra/hello")
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	w.WriteHeader(&tar.Header{Name: "hello", Mode: 0o755, Size: int64(len(data))})
	w.Write(data)
	w.Close()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil { t.Fatal(err) }
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	img, _ = mutate.AppendLayers(img, layer)
	img, _ = mutate.Config(img, v1.Config{User: "65532:65532", Entrypoint: []string{"/hello"}, ExposedPorts: map[string]struct{}{"8080/tcp": {}}})
	img, _ = mutate.CreatedAt(img, v1.Time{Time: time.Unix(1e9, 0)})
	cf, _ := img.ConfigFile(); cf = cf.DeepCopy(); cf.OS, cf.Architecture = "linux", "amd64"
	img, _ = mutate.ConfigFile(img, cf)
	img = mutate.Annotations(img, map[string]string{"a": "b"}).(v1.Image)
	if err := remote.Write(b.ref(t, "hello:1"), img, b.remote(t)...); err != nil { t.Fatal(err) }
	d, _ := img.Digest()
	image := b.Addr + "/hello@" + d.String()
	testFormats(t, b, image)
	t.Log(b.requests(t), b.repositories(t), b.tags(t, "hello"), b.plant(t, "hello", d.String()), b.digest(t, "hello:1"))
	b.must(t, "cosign", "sign", "--key", b.key, "--tlog-upload=false", "--registry-cacert", b.CAFile, image)
	serveHello(t, start(t, b, image))
	t.Log(b.engines(), len(processes("e2e")))
}
