package archive

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// debFile writes a .deb with data to a file.
func debFile(t testing.TB, dir, name string, entries ...debEntry) string {
	t.Helper()
	control := fmt.Sprintf("Package: %s\nVersion: 1\nArchitecture: amd64\n", name)
	path := filepath.Join(dir, name+".deb")
	if err := os.WriteFile(path, makeDeb(t, control, "data.tar.gz", gzipped(tarOf(t, entries))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWriteRootTar(t *testing.T) {
	dir := t.TempDir()
	su := file("./bin/su", "su")
	su.Mode, su.Gid = 0o4755, 42
	debs := []string{
		debFile(t, dir, "base-files", folder("./"), symlink("./bin", "usr/bin"), symlink("./lib", "usr/lib"), folder("./usr/"), folder("./usr/bin/"), folder("./usr/lib/")),
		debFile(t, dir, "base-passwd", file("./usr/share/base-passwd/passwd.master", "root:*:0:0::/root:/bin/sh\n"), file("./usr/share/base-passwd/group.master", "root:*:0:\n")),
		debFile(t, dir, "login", folder("./bin/"), su, hardlink("./bin/su2", "./bin/su"), file("./usr/share/man/man1/su.1", "x"), file("./usr/share/doc/login/copyright", "c"), file("./usr/share/doc/login/NEWS", "n")),
	}
	var first []byte
	for range 25 {
		var b bytes.Buffer
		if err := WriteRootTar(&b, debs, 1700000000); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(debs)
		if first == nil {
			first = b.Bytes()
		}
		if !bytes.Equal(first, b.Bytes()) {
			t.Fatal("the same packages gave other bytes")
		}
	}
	var got []string
	r := tar.NewReader(bytes.NewReader(first))
	for h, err := r.Next(); err != io.EOF; h, err = r.Next() {
		if err != nil {
			t.Fatal(err)
		}
		if h.ModTime.Unix() != 1700000000 {
			t.Errorf("%s is of %v", h.Name, h.ModTime)
		}
		if !strings.HasPrefix(h.Name, "var/") {
			got = append(got, fmt.Sprintf("%s %o %d:%d %s", h.Name, h.Mode, h.Uid, h.Gid, h.Linkname))
		}
	}
	want := []string{
		"bin 777 0:0 usr/bin", "dev/ 755 0:0 ", "etc/ 755 0:0 ", "etc/group 644 0:0 ", "etc/passwd 644 0:0 ",
		"lib 777 0:0 usr/lib", "proc/ 755 0:0 ", "root/ 700 0:0 ", "run/ 755 0:0 ", "sys/ 755 0:0 ", "tmp/ 1777 0:0 ",
		"usr/ 755 0:0 ", "usr/bin/ 755 0:0 ", "usr/bin/su 4755 0:42 ", "usr/lib/ 755 0:0 ", "usr/share/ 755 0:0 ",
		"usr/share/base-passwd/ 755 0:0 ", "usr/share/base-passwd/group.master 644 0:0 ", "usr/share/base-passwd/passwd.master 644 0:0 ",
		"usr/share/doc/ 755 0:0 ", "usr/share/doc/login/ 755 0:0 ", "usr/share/doc/login/copyright 644 0:0 ",
		"usr/bin/su2 644 0:0 usr/bin/su",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("entries (-want +got):\n%s", d)
	}
}

func TestWriteRootTarRefuses(t *testing.T) {
	dir := t.TempDir()
	a := debFile(t, dir, "a", file("./usr/bin/x", "a"))
	b := debFile(t, dir, "b", file("./bin/x", "b"))
	err := WriteRootTar(io.Discard, []string{a, b}, 0)
	if err == nil || !strings.Contains(err.Error(), "a 1 and b 1 both have /usr/bin/x") {
		t.Errorf("got %v, want an error that names both packages", err)
	}
	err = WriteRootTar(io.Discard, []string{a}, 0)
	if err == nil || !strings.Contains(err.Error(), "passwd.master") {
		t.Errorf("got %v, want an error about base-passwd", err)
	}
}

func TestRootDatabase(t *testing.T) {
	same := &database{info: "libx:amd64", status: statusOf("Package: libx\nVersion: 1\n"), list: []string{"/.", "/usr"}, control: map[string][]byte{
		"postinst": []byte("#!/bin/sh\n"),
		"triggers": []byte("# a comment\ninterest-noawait ldconfig\ninterest /usr/share/x\nactivate-noawait other\ninterest ../../etc\n"),
	}}
	spool, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	tree := rootTree{spool: spool, nodes: map[string]*rootNode{}}
	if err := tree.addDatabase([]*database{same}); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, n := range tree.nodes {
		text, err := tree.read(name)
		if err != nil {
			t.Fatal(err)
		}
		got[fmt.Sprintf("%s %o", strings.TrimPrefix(name, "var/lib/dpkg/"), n.header.Mode)] = string(text)
	}
	want := map[string]string{
		"status 644":                   "Package: libx\nStatus: install ok unpacked\nVersion: 1\n\n",
		"info/format 644":              "1\n",
		"info/libx:amd64.list 644":     "/.\n/usr\n",
		"info/libx:amd64.postinst 755": "#!/bin/sh\n",
		"info/libx:amd64.triggers 644": string(same.control["triggers"]),
		"triggers/ldconfig 644":        "libx:amd64/noawait\n",
		"triggers/File 644":            "/usr/share/x libx:amd64\n",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("database (-want +got):\n%s", d)
	}
}
