package builder

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/kiln-build/kiln/recipes"
)

// filesImage has a few files of every kind.
func filesImage(t *testing.T) v1.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "usr/bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "usr/bin"},
		{Name: "usr/bin/x", Typeflag: tar.TypeReg, Mode: 0o750, Uid: 7, Gid: 8, Size: 9},
		{Name: "usr/bin/y", Typeflag: tar.TypeLink, Linkname: "usr/bin/x"},
		{Name: "usr/bin/z", Typeflag: tar.TypeSymlink, Linkname: "../bin/x"},
		{Name: "circle", Typeflag: tar.TypeSymlink, Linkname: "circle"},
		{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777},
		{Name: "usr/share/doc/p/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "usr/share/doc/p/copyright", Typeflag: tar.TypeReg, Mode: 0o644, Size: 9},
		{Name: "usr/share/doc/q/", Typeflag: tar.TypeDir, Mode: 0o755},
	} {
		check(t, w.WriteHeader(&h))
		if h.Size > 0 {
			_, err := io.WriteString(w, "some text")
			check(t, err)
		}
	}
	check(t, w.Close())
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	check(t, err)
	img, err := mutate.AppendLayers(empty.Image, l)
	check(t, err)
	return img
}

func TestFiles(t *testing.T) {
	x := &tester{image: filesImage(t)}
	t.Cleanup(x.close)
	seven, eight := 7, 8
	for _, c := range []struct {
		name string
		test recipes.FileTest
		want string // empty is that all is well
	}{
		{"there", recipes.FileTest{Path: "/usr/bin/x", Type: "file", Mode: "0750", Owner: "7:8", Content: []string{"text"}}, ""},
		{"through a link", recipes.FileTest{Path: "/bin/x", Mode: "750", Content: []string{"/^some/"}}, ""},
		{"a link at the end", recipes.FileTest{Path: "/bin/z", Type: "link", Target: "../bin/x"}, ""},
		{"followed at the end", recipes.FileTest{Path: "/bin/z", Type: "file", UID: &seven, GID: &eight, Executable: "group"}, ""},
		{"a hard link", recipes.FileTest{Path: "/usr/bin/y", Content: []string{"some text"}}, ""},
		{"a folder", recipes.FileTest{Path: "/tmp", Type: "folder", Mode: "1777"}, ""},
		{"absent", recipes.FileTest{Path: "/bin/sh", Absent: true}, ""},
		{"not absent", recipes.FileTest{Path: "/bin/x", Absent: true}, "want nothing at /bin/x, got a file"},
		{"not there", recipes.FileTest{Path: "/bin/sh"}, "want something at /bin/sh, got nothing"},
		{"in a circle", recipes.FileTest{Path: "/circle/x"}, "want something at /circle/x, got nothing"},
		{"type", recipes.FileTest{Path: "/bin/x", Type: "folder"}, "want a folder at /bin/x, got a file"},
		{"mode", recipes.FileTest{Path: "/bin/x", Mode: "0755"}, "want mode 0755 of /bin/x, got 0750"},
		{"owner", recipes.FileTest{Path: "/bin/x", Owner: "0:0"}, "want owner 0:0 of /bin/x, got 7:8"},
		{"user", recipes.FileTest{Path: "/bin/x", UID: &eight}, "want user 8 of /bin/x, got 7"},
		{"executable", recipes.FileTest{Path: "/bin/x", Executable: "other"}, "want /bin/x executable by other, got mode 0750"},
		{"target", recipes.FileTest{Path: "/bin/z", Type: "link", Target: "x"}, "want /bin/z to lead to x, got ../bin/x"},
		{"content", recipes.FileTest{Path: "/bin/x", Content: []string{"none"}}, `want /bin/x with "none", got "some text"`},
		{"other content", recipes.FileTest{Path: "/bin/x", NotContent: []string{"/s.me/"}}, `want /bin/x without "/s.me/", got "some text"`},
		{"content of a folder", recipes.FileTest{Path: "/tmp", Content: []string{"x"}}, "want a file at /tmp, got a folder"},
		{"licenses", recipes.FileTest{Path: "/usr/share/doc/*/copyright", Licenses: true}, "want something at /usr/share/doc/q/copyright, got nothing"},
		{"license", recipes.FileTest{Path: "/usr/share/doc/p/copyright", Licenses: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := x.files([]recipes.FileTest{c.test})
			check(t, err)
			if got := said(f); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func said(f *finding) string {
	if f == nil {
		return ""
	}
	return "want " + f.want + ", got " + f.got
}

func TestMetadata(t *testing.T) {
	x := &tester{config: v1.Config{
		User: "65532:65532", Entrypoint: []string{"/x"}, Cmd: []string{"serve"}, WorkingDir: "/", StopSignal: "SIGQUIT",
		Env: []string{"A=b", "PATH=/usr/bin:/bin"}, Labels: map[string]string{"l": "m"},
		ExposedPorts: map[string]struct{}{"80/tcp": {}}, Volumes: map[string]struct{}{"/data": {}},
	}}
	for _, c := range []struct {
		test recipes.MetadataTest
		want string
	}{
		{recipes.MetadataTest{}, ""},
		{recipes.MetadataTest{
			User: "65532:65532", Entrypoint: []string{"/x"}, Args: []string{"serve"}, Workdir: "/", StopSignal: "SIGQUIT",
			Env: map[string]string{"A": "b", "PATH": "/bin$/"}, Labels: map[string]string{"l": "/./"},
			Ports: []string{"80"}, NotPorts: []string{"22"}, Volumes: []string{"/data"}, NotVolumes: []string{"/"},
		}, ""},
		{recipes.MetadataTest{User: "0:0"}, `want user "0:0", got "65532:65532"`},
		{recipes.MetadataTest{Args: []string{}}, `want arguments [], got ["serve"]`},
		{recipes.MetadataTest{Env: map[string]string{"B": ""}}, `want variable B, got none`},
		{recipes.MetadataTest{Env: map[string]string{"A": "c"}}, `want variable A="c", got "b"`},
		{recipes.MetadataTest{Ports: []string{"80/udp"}}, `want port 80/udp, got none such`},
		{recipes.MetadataTest{NotVolumes: []string{"/data"}}, `want no volume /data, got it`},
	} {
		if got := said(x.metadata(&c.test)); got != c.want {
			t.Errorf("metadata %+v: got %q, want %q", c.test, got, c.want)
		}
	}
}

// TestStructureTest runs a file of container-structure-test on an image.
func TestStructureTest(t *testing.T) {
	b := newBed(t)
	r := recipe(t, localSource, "    - run: [/step, id]", "tests:\n  - structure-test: test.yaml")
	if _, err := b.Test(t.Context(), r, b.image, "linux/amd64"); err == nil || !strings.Contains(err.Error(), "test.yaml was not read") {
		t.Errorf("without its text the error is %v", err)
	}
	text := `schemaVersion: 2.0.0
commandTests:
  - name: writes first
    setup: [[/step, write, /tmp/x]]
    teardown: [[/step, copy, /tmp/x, /tmp/y]]
    command: /step
    args: [copy, /tmp/x, /dev/stdout]
    excludedOutput: ["."]
  - {name: ends with 7, command: /step, args: [fail, 7], exitCode: 7, expectedOutput: ["^first .*"], expectedError: [last]}
  - {name: needs a shell, setup: [[/bin/bash, -c, "true"]], command: /step, args: [id]}
  - {name: says more, command: /step, args: [id], excludedOutput: ["uid [0-9]+"]}
fileExistenceTests:
  - {name: program, path: /step, permissions: "-rwxr-xr-x", isExecutableBy: any}
metadataTest: {user: "65532:65532", cmd: ["8080"]}
`
	structure, err := recipes.ParseStructureTest("dir/test.yaml", []byte(text))
	check(t, err)
	r.Tests[0].Structure, r.Tests[0].StructureText = structure, []byte(text)
	results, err := b.Test(t.Context(), r, b.image, "linux/amd64")
	want := `dir/test.yaml:10:5: test "needs a shell" failed: want to run it, got setup command ["/bin/bash" "-c" "true"]: the image has no program /bin/bash
dir/test.yaml:11:5: test "says more" failed: want stdout without "/uid [0-9]+/", got "uid 65532 gid 65532\n"`
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
	var status []string
	for _, r := range results {
		status = append(status, r.Status)
		if r.File != "dir/test.yaml" {
			t.Errorf("%s is from %q", r.Name, r.File)
		}
	}
	if got := strings.Join(status, " "); got != "passed passed failed failed passed passed" {
		t.Errorf("the tests %s", got)
	}
}
