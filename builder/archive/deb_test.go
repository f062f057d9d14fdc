package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/kiln-build/kiln/builder/archive/archivetest"
)

const testControl = `Package: hello
Version: 2.10-3
Architecture: amd64
Source: hello-src (2.10)
Maintainer: Someone <someone@example.org>
Homepage: https://example.org
Depends: libc6 (>= 2.34), libfoo | libbar
Description: example
 A second line.
 .
 A third.
`

func openTestDeb(t testing.TB, b []byte) *Deb {
	t.Helper()
	d, err := OpenDeb(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func zstded(t testing.TB, in []byte) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close() //nolint:errcheck // nothing is lost
	return e.EncodeAll(in, nil)
}

func TestOpenDeb(t *testing.T) {
	entries := []debEntry{
		folder("./"), folder("./usr/"), folder("./usr/bin/"), file("./usr/bin/hello", "hello\n"),
		symlink("./usr/bin/hi", "hello"), hardlink("./usr/bin/hey", "./usr/bin/hello"),
		symlink("./usr/lib", "/usr/../usr/bin"),
	}
	plain := tarOf(t, entries)
	for name, data := range map[string][]byte{
		"data.tar": plain, "data.tar.gz": gzipped(plain), "data.tar.xz": archivetest.XZ(plain), "data.tar.zst": zstded(t, plain),
	} {
		t.Run(name, func(t *testing.T) {
			d := openTestDeb(t, makeDeb(t, testControl, name, data))
			want := Control{
				Package: "hello", Version: "2.10-3", Architecture: "amd64", Source: "hello-src", SourceVersion: "2.10",
				Maintainer: "Someone <someone@example.org>", Homepage: "https://example.org",
				Description: "example\n A second line.\n .\n A third.", Depends: "libc6 (>= 2.34), libfoo | libbar",
			}
			if diff := cmp.Diff(want, d.Control); diff != "" {
				t.Errorf("control (-want +got):\n%s", diff)
			}
			var got []string
			for range 2 { // Files can be called again
				got = nil
				err := d.Files(func(h *tar.Header, r io.Reader) error {
					b, err := io.ReadAll(r)
					got = append(got, h.Name+" "+h.Linkname+" "+string(b))
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			wantFiles := []string{
				"usr  ", "usr/bin  ", "usr/bin/hello  hello\n", "usr/bin/hi hello ",
				"usr/bin/hey usr/bin/hello ", "usr/lib /usr/../usr/bin ",
			}
			if diff := cmp.Diff(wantFiles, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilesRefuses(t *testing.T) {
	long := strings.Repeat("a/", maxNameSize/2) + "a"
	tests := []struct {
		name    string
		entries []debEntry
		entry   string
		rule    string
	}{
		{"absolute path", []debEntry{file("/etc/passwd", "x")}, "/etc/passwd", "path is absolute"},
		{"dot dot", []debEntry{file("./../etc/passwd", "x")}, "./../etc/passwd", "path has .."},
		{"dot dot inside", []debEntry{file("./usr/../../x", "x")}, "./usr/../../x", "path has .."},
		{"dot dot that stays inside", []debEntry{file("./usr/bin/../x", "x")}, "./usr/bin/../x", "path has .."},
		{"control character", []debEntry{file("./a\nb", "x")}, "./a\nb", "name has a control character"},
		{"delete character", []debEntry{file("./a\x7fb", "x")}, "./a\x7fb", "name has a control character"},
		{"long name", []debEntry{file(long, "x")}, long, "name is too long"},
		{"symlink out by dots", []debEntry{symlink("./usr/x", "../../etc/passwd")}, "./usr/x", "link leads out of the root"},
		{"symlink out and in again", []debEntry{symlink("./x", "../root/etc")}, "./x", "link leads out of the root"},
		{"absolute symlink out", []debEntry{symlink("./usr/x", "/../etc")}, "./usr/x", "link leads out of the root"},
		{"symlink with control character", []debEntry{symlink("./x", "a\tb")}, "./x", "link target has a control character"},
		{"hard link out", []debEntry{hardlink("./x", "../etc/passwd")}, "./x", "hard link: path has .."},
		{"absolute hard link", []debEntry{hardlink("./x", "/etc/passwd")}, "./x", "hard link: path is absolute"},
		{"hard link to what is not there", []debEntry{hardlink("./x", "./y")}, "./x", "hard link to what is not a file of the package before it"},
		{"hard link to symlink", []debEntry{symlink("./y", "z"), hardlink("./x", "./y")}, "./x", "hard link to what is not a file of the package before it"},
		{"character device", []debEntry{node("./dev/null", tar.TypeChar)}, "./dev/null", "device node"},
		{"block device", []debEntry{node("./dev/sda", tar.TypeBlock)}, "./dev/sda", "device node"},
		{"pipe", []debEntry{node("./run/x", tar.TypeFifo)}, "./run/x", "named pipe"},
		{"twice", []debEntry{file("./x", "1"), file("x", "2")}, "x", "entry occurs twice"},
		{"below a symlink", []debEntry{symlink("./lib", "tmp"), file("./lib/x", "1")}, "./lib/x", "it is below lib, which is not a folder"},
		{"deep below a symlink", []debEntry{symlink("./lib", "tmp"), file("./lib/x/y", "1")}, "./lib/x/y", "it is below lib, which is not a folder"},
		{"below a file", []debEntry{file("./lib", ""), file("./lib/x", "1")}, "./lib/x", "it is below lib, which is not a folder"},
		{"symlink in the place of a folder", []debEntry{file("./lib/x", "1"), symlink("./lib", "tmp")}, "./lib", "it is in the place of a folder"},
		{"root is a symlink", []debEntry{symlink("./", "etc")}, "./", "root is not a folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := openTestDeb(t, makeDeb(t, testControl, "data.tar", tarOf(t, tt.entries)))
			handed := 0
			err := d.Files(func(*tar.Header, io.Reader) error { handed++; return nil })
			want := &EntryError{Package: "hello 2.10-3", Entry: tt.entry, Rule: tt.rule}
			var got *EntryError
			if !errors.As(err, &got) {
				t.Fatalf("got %v, want an EntryError", err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if handed != len(tt.entries)-1 {
				t.Errorf("%d entries were handed on, want only those before the bad one", handed)
			}
		})
	}
}

func TestFilesRefusesHugeFile(t *testing.T) {
	b := tarOf(t, []debEntry{file("./x", "")})
	copy(b[124:136], "77777777777\x00") // 8 GiB, octal
	chksum := 0
	copy(b[148:156], "        ")
	for _, c := range b[:512] {
		chksum += int(c)
	}
	copy(b[148:156], octal(chksum))
	err := openTestDeb(t, makeDeb(t, testControl, "data.tar", b)).Files(func(*tar.Header, io.Reader) error { return nil })
	var got *EntryError
	if !errors.As(err, &got) || got.Rule != "too large" {
		t.Errorf("got %v, want an EntryError about the size", err)
	}
}

func octal(n int) string {
	s := "000000\x00 "
	b := []byte(s)
	for i := 5; i >= 0; i-- {
		b[i] = byte('0' + n&7)
		n >>= 3
	}
	return string(b)
}

// A bomb: a gigabyte of zeros in a megabyte.
func TestFilesRefusesBomb(t *testing.T) {
	var packed bytes.Buffer
	e, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(e)
	if err := w.WriteHeader(&tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Size: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	for range 1 << 10 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	var n int64
	err = openTestDeb(t, makeDeb(t, testControl, "data.tar.zst", packed.Bytes())).Files(func(_ *tar.Header, r io.Reader) error {
		var err error
		n, err = io.Copy(io.Discard, r)
		return err
	})
	var got *EntryError
	if !errors.As(err, &got) || n > freeSize+1<<20 {
		t.Errorf("got %v after %d bytes, want an EntryError after %d", err, n, freeSize)
	}
}

func TestOpenDebRefuses(t *testing.T) {
	data := tarOf(t, nil)
	good := makeDeb(t, testControl, "data.tar", data)
	tests := []struct {
		name string
		deb  []byte
		want string
	}{
		{"empty", nil, "not an ar archive"},
		{"no ar", []byte(strings.Repeat("x", 200)), "not an ar archive"},
		{"cut short", good[:100], "unexpected EOF"},
		{"member larger than file", bytes.Replace(good, []byte("1024      `"), []byte("9999999999`"), 1), "larger than the file"},
		{"no data", makeDeb(t, testControl, "date.tar", data), `member "date.tar" is where data.tar must be`},
		{"other format", bytes.Replace(good, []byte("2.0\n"), []byte("3.0\n"), 1), "its format"},
		{"no name", makeDeb(t, "Version: 1\nArchitecture: all\n", "data.tar", data), "package name is empty"},
		{"hostile name", makeDeb(t, "Package: ../x\nVersion: 1\nArchitecture: all\n", "data.tar", data), "not allowed"},
		{"field twice", makeDeb(t, testControl+"Version: 3\n", "data.tar", data), "field Version occurs twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := OpenDeb(bytes.NewReader(tt.deb), int64(len(tt.deb)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestFilesUnknownCompression(t *testing.T) {
	d := openTestDeb(t, makeDeb(t, testControl, "data.tar.lzma", nil))
	if err := d.Files(func(*tar.Header, io.Reader) error { return nil }); err == nil || !strings.Contains(err.Error(), `compression ".lzma" is not known`) {
		t.Errorf("got %v", err)
	}
}

func FuzzDeb(f *testing.F) {
	plain := tarOf(f, []debEntry{folder("./"), file("./a", "x"), symlink("./b", "a"), hardlink("./c", "./a")})
	f.Add(makeDeb(f, testControl, "data.tar", plain))
	f.Add(makeDeb(f, testControl, "data.tar.gz", gzipped(plain)))
	f.Add(makeDeb(f, testControl, "data.tar.xz", archivetest.XZ(plain)))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := OpenDeb(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		d.Files(func(h *tar.Header, _ io.Reader) error { //nolint:errcheck // only what is handed on counts
			if strings.HasPrefix(h.Name, "/") || strings.Contains("/"+h.Name+"/", "/../") || strings.ContainsRune(h.Name, 0) {
				t.Errorf("handed on %q", h.Name)
			}
			return nil
		})
	})
}

func TestCopyright(t *testing.T) {
	for _, tt := range []struct {
		name    string
		entries []debEntry
		want    string
	}{
		{"its own", []debEntry{file("./usr/share/doc/hello/copyright", "MIT"), file("./usr/share/doc/other/copyright", "none")}, "MIT"},
		{"that of another package", []debEntry{symlink("./usr/share/doc/hello", "other")}, ""},
		{"none", nil, ""},
	} {
		deb := makeDeb(t, testControl, "data.tar", tarOf(t, tt.entries))
		d, err := OpenDeb(bytes.NewReader(deb), int64(len(deb)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.Copyright(); err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	large := makeDeb(t, testControl, "data.tar", tarOf(t, []debEntry{file("./usr/share/doc/hello/copyright", strings.Repeat("x", maxCopyright+1))}))
	d, err := OpenDeb(bytes.NewReader(large), int64(len(large)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Copyright(); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a huge file: got %v", err)
	}
}
