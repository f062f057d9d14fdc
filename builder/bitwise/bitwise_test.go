package bitwise

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// item is an entry of a layer.
type item struct {
	header  tar.Header
	content []byte
}

func file(name, content string) item {
	return item{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, ModTime: time.Unix(1, 0)}, []byte(content)}
}

func layerOf(t testing.TB, items []item, level int) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, i := range items {
		i.header.Size = int64(len(i.content))
		check(t, w.WriteHeader(&i.header))
		_, err := w.Write(i.content)
		check(t, err)
	}
	check(t, w.Close())
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }, tarball.WithCompressionLevel(level))
	check(t, err)
	return l
}

func imageOf(t testing.TB, layers ...v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layers...)
	check(t, err)
	return img
}

func differences(t testing.TB, a, b v1.Image) []string {
	t.Helper()
	list, err := Compare(a, b)
	check(t, err)
	var lines []string
	for _, d := range list {
		if strings.HasPrefix(d.Where, "layer") {
			lines = append(lines, d.String())
		}
	}
	return lines
}

func TestCompareLayers(t *testing.T) {
	mode, owner, late, linked := file("/etc/a", "a"), file("etc/a", "a"), file("etc/a", "a"), file("etc/a", "")
	mode.header.Name, mode.header.Mode = "etc/a", 0o600
	owner.header.Uid = 7
	late.header.ModTime = time.Unix(2, 0)
	linked.header.Typeflag, linked.header.Linkname = tar.TypeSymlink, "b"
	base := []item{file("etc/a", "a"), file("etc/b", "bbbb")}
	for _, tt := range []struct {
		name string
		with []item
		want []string
	}{
		{"same", base, nil},
		{"content", []item{base[0], file("etc/b", "bbxb")}, []string{"layer 1 /etc/b: content: differs from byte 2 on, 1 bytes"}},
		{"longer", []item{base[0], file("etc/b", "bbbbb")}, []string{
			"layer 1 /etc/b: tar header: size is 4 against 5", "layer 1 /etc/b: content: differs from byte 4 on, 0 bytes; 4 bytes long against 5"}},
		{"added", append(slices.Clone(base), file("etc/c", "c")), []string{"layer 1 /etc/c: is in the second alone (a file of 1 bytes)"}},
		{"removed", base[:1], []string{"layer 1 /etc/b: is in the first alone (a file of 4 bytes)"}},
		{"mode", []item{mode, base[1]}, []string{"layer 1 /etc/a: tar header: mode is 0644 against 0600"}},
		{"owner", []item{owner, base[1]}, []string{"layer 1 /etc/a: tar header: uid is 0 against 7"}},
		{"time", []item{late, base[1]}, []string{"layer 1 /etc/a: tar header: time is 1970-01-01T00:00:01Z against 1970-01-01T00:00:02Z"}},
		{"kind", []item{linked, base[1]}, []string{
			"layer 1 /etc/a: tar header: link is nothing against b", "layer 1 /etc/a: tar header: size is 1 against 0", "layer 1 /etc/a: tar header: type is '0' against '2'"}},
		{"order", []item{base[1], base[0]}, []string{"layer 1: the same entries in another order, from /etc/b on"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := differences(t, imageOf(t, layerOf(t, base, gzip.BestSpeed)), imageOf(t, layerOf(t, tt.with, gzip.BestSpeed)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	big := []item{file("a", strings.Repeat("kiln ", 1000))}
	got := differences(t, imageOf(t, layerOf(t, big, gzip.NoCompression)), imageOf(t, layerOf(t, big, gzip.BestCompression)))
	if diff := cmp.Diff([]string{"layer 1: the same archive, compressed to other bytes"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCompareDocuments(t *testing.T) {
	a := imageOf(t, layerOf(t, []item{file("a", "a")}, gzip.BestSpeed))
	b, err := mutate.Config(a, v1.Config{User: "0", Env: []string{"A=b"}})
	check(t, err)
	annotated, ok := mutate.Annotations(a, map[string]string{"org.example": "x"}).(v1.Image)
	if !ok {
		t.Fatal("an annotated image is an image")
	}
	list, err := Compare(a, b)
	check(t, err)
	for _, want := range []Difference{{"config .config.User", `nothing against "0"`}, {"config .config.Env[0]", `nothing against "A=b"`}} {
		if !slices.Contains(list, want) {
			t.Errorf("got %v, want %v among it", list, want)
		}
	}
	list, err = Compare(a, annotated)
	check(t, err)
	if diff := cmp.Diff([]Difference{{"manifest .annotations.org.example", `nothing against "x"`}}, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	list, err = Compare(a, imageOf(t))
	check(t, err)
	if !slices.Contains(list, Difference{"layers", "1 against 0"}) {
		t.Errorf("got %v, want the number of layers", list)
	}
}

// A byte that somebody changed in a program is placed in its section.
func TestComparePrograms(t *testing.T) {
	self, err := os.Executable()
	check(t, err)
	program, err := os.ReadFile(self)
	check(t, err)
	e, err := elf.NewFile(bytes.NewReader(program))
	check(t, err)
	text := e.Section(".text")
	planted := slices.Clone(program)
	planted[text.Offset+16] ^= 0xff
	got := differences(t, imageOf(t, layerOf(t, []item{file("usr/bin/x", string(program))}, gzip.BestSpeed)),
		imageOf(t, layerOf(t, []item{file("usr/bin/x", string(planted))}, gzip.BestSpeed)))
	if diff := cmp.Diff([]string{"layer 1 /usr/bin/x .text: section content: differs from byte 16 on, 1 bytes"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// What is in no section is placed in the file.
	header := slices.Clone(program)
	header[9] ^= 0xff // in the padding of the identification
	got = differences(t, imageOf(t, layerOf(t, []item{file("usr/bin/x", string(program))}, gzip.BestSpeed)),
		imageOf(t, layerOf(t, []item{file("usr/bin/x", string(header))}, gzip.BestSpeed)))
	if diff := cmp.Diff([]string{"layer 1 /usr/bin/x: content: differs from byte 9 on, 1 bytes"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
