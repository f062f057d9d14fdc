package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// foreign KIND REPOSITORY:TAG pushes what kiln did not make: debian, a
// distribution that runs as root, with a shell, a setuid program and a package;
// plain, a program of a user and nothing else; lost, an image whose layer the
// registry lacks; garbage, a manifest that is none; chart, an artifact that is
// no image.
func foreign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: foreign KIND REPOSITORY:TAG")
	}
	tag, err := name.NewTag(args[1])
	ts.Check(err)
	switch args[0] {
	case "debian":
		ts.Check(remote.Write(tag, foreignDebian()))
	case "plain":
		ts.Check(remote.Write(tag, foreignPlain()))
	case "chart":
		ts.Check(remote.Write(tag, mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")))
	case "lost":
		raw, err := foreignPlain().RawManifest()
		ts.Check(err)
		var m v1.Manifest
		ts.Check(json.Unmarshal(raw, &m))
		m.Layers[0].Digest.Hex = strings.Repeat("1", 64)
		raw, err = json.Marshal(m)
		ts.Check(err)
		ts.Check(remote.Write(tag.Context().Tag("whole"), foreignPlain()))
		ts.Check(remote.Delete(tag.Context().Tag("whole")))
		ts.Check(putManifest(tag, raw))
	case "garbage":
		ts.Check(putManifest(tag, []byte(`{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}`)))
	default:
		ts.Fatalf("foreign: there is no %s", args[0])
	}
}

func putManifest(tag name.Tag, raw []byte) error {
	url := fmt.Sprintf("http://%s/v2/%s/manifests/%s", tag.RegistryStr(), tag.RepositoryStr(), tag.TagStr())
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPut, url, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", string(types.OCIManifestSchema1))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("putting manifest: %s", resp.Status)
	}
	return nil
}

func foreignPlain() v1.Image {
	return foreignImage("65532:65532", map[string]string{"app": "program"}, nil)
}

func foreignDebian() v1.Image {
	return foreignImage("", map[string]string{
		"bin/sh": "shell", "bin/su": "setuid", "etc/os-release": "ID=debian\nVERSION_CODENAME=trixie\n",
		"var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nVersion: 2.41-1\nArchitecture: amd64\nSource: glibc\n",
	}, map[string]int64{"bin/su": 0o4755})
}

// foreignImage is an image with one layer of executable files, or of other
// modes.
func foreignImage(user string, texts map[string]string, modes map[string]int64) v1.Image {
	var names []string
	for n := range texts {
		names = append(names, n)
	}
	slices.Sort(names)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, n := range names {
		mode := int64(0o755)
		if modes[n] != 0 {
			mode = modes[n]
		}
		must(w.WriteHeader(&tar.Header{Name: n, Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(texts[n]))}))
		must2(io.WriteString(w, texts[n]))
	}
	must(w.Close())
	layer := must2(tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }))
	img := must2(mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layer))
	file := must2(img.ConfigFile()).DeepCopy()
	file.OS, file.Architecture, file.Config.User, file.Created.Time = "linux", "amd64", user, time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)
	return must2(mutate.ConfigFile(img, file))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func must2[T any](v T, err error) T {
	must(err)
	return v
}
