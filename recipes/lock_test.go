package recipes

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	sumA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	sumB = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
	h1   = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
)

// everyLock is a lock with each kind of entry, for the recipe of everySource.
func everyLock(t *testing.T) (*Recipe, *Lock) {
	t.Helper()
	r, err := Load("testdata/good/lockable.yaml")
	if err != nil {
		t.Fatal(err)
	}
	pkg := Package{
		Name: "libc6", Version: "2.41-12", Architecture: "amd64", Source: "glibc",
		Archive: "debian", Suite: "trixie", Path: "pool/main/g/glibc/libc6_2.41-12_amd64.deb",
		Size: 2847508, SHA256: sumA, Essential: true,
	}
	zlib := Package{
		Name: "zlib1g", Version: "1:1.10", SourceVersion: "1:1.10", Architecture: "amd64",
		Archive: "debian-security", Suite: "trixie-security", Path: "pool/updates/main/z/zlib1g.deb", Size: 1, SHA256: sumB,
	}
	return r, &Lock{
		Kiln:   FormatVersion,
		Inputs: Inputs(r),
		Epoch:  Epoch{Seconds: 1700000000, From: "commit of sources[1], \"tagged\": here"},
		Archives: []Archive{
			{Archive: "debian", Suite: "trixie", Date: "2026-11-14T10:11:12Z", InRelease: sumA},
			{Archive: "debian-security", Suite: "trixie-security", Date: "2026-11-20T00:00:00Z", InRelease: sumB},
		},
		Sources: []LockedSource{
			{Kind: KindArchive, Name: "x.tar.gz", Files: []LockedFile{{Path: "x.tar.gz", Size: 12, SHA256: sumA}}},
			{Kind: KindGit, Name: "y.git", Commit: sumA[:40], Tree: sumB},
			{Kind: KindGo, Name: "example.org/M", Version: "v1.2.3", Sum: h1, GoMod: h1, Files: []LockedFile{{Path: "example.org/!m/@v/v1.2.3.zip", Size: 5, SHA256: sumB}}},
			{Kind: KindDebian, Name: "nginx", Version: "1.26.3-3", Files: []LockedFile{{Path: "pool/main/n/nginx/nginx_1.26.3-3.dsc", Archive: "debian", Size: 3, SHA256: sumB}}},
			{Kind: KindLocal, Name: "../src"},
		},
		Platforms: []LockedPlatform{{
			Platform: "linux/amd64", Build: []Package{pkg, zlib}, Image: []Package{pkg},
			Fetches: []LockedFetch{{Step: 1, Kind: KindGo, Key: sumA, Result: sumB, Files: []FetchedFile{
				{Ecosystem: "go", Path: "example.org/!m/@v/v1.2.3.info"},
				{Ecosystem: "go", Path: "example.org/!m/@v/v1.2.3.zip", SHA256: sumB},
				{Ecosystem: "npm", Path: "@scope%2fname?x=1", Absent: true},
				{Ecosystem: "url", Path: "https://example.org/file.bin", SHA256: sumA, Signed: true},
			}}},
		}},
	}
}

func TestLockRoundTrip(t *testing.T) {
	r, want := everyLock(t)
	raw, err := want.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/lock/every.lock", string(raw))
	got, err := ReadLock("testdata/lock/every.lock")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	if err := got.Fits(r); err != nil {
		t.Error(err)
	}
}

func TestLockIsDeterministic(t *testing.T) {
	_, l := everyLock(t)
	want, err := l.Digest()
	if err != nil || !sha256Form.MatchString(want) {
		t.Fatalf("got %q, %v", want, err)
	}
	for range 25 {
		_, l := everyLock(t)
		if got, err := l.Digest(); got != want || err != nil {
			t.Fatalf("got %s, %v after %s", got, err, want)
		}
	}
}

func TestReadLockMissing(t *testing.T) {
	if _, err := ReadLock(filepath.Join(t.TempDir(), "recipe.lock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestLockPath(t *testing.T) {
	for _, c := range []struct{ file, variant, want string }{
		{"recipe.yaml", "", "recipe.lock"}, {"a.b/foo.yml", "", "a.b/foo.lock"}, {"a.b/foo", "", "a.b/foo.lock"},
		{"a.b/foo.yml", "debug", "a.b/foo.debug.lock"},
	} {
		r := &Recipe{File: c.file, Variant: c.variant}
		if got := r.LockPath(); got != c.want {
			t.Errorf("the lock of %s %s is %q, want %q", c.file, c.variant, got, c.want)
		}
	}
}

// TestParseLockWrong changes one place of a sound lock and expects one message.
func TestParseLockWrong(t *testing.T) {
	_, l := everyLock(t)
	raw, err := l.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	pool := "pool/main/g/glibc/libc6_2.41-12_amd64.deb"
	for _, c := range []struct{ old, new, want string }{
		{"kiln: v1", "kiln: v9", `unknown format "v9"`},
		{"kiln: v1", "kiln: v1\nextra: 1", `unknown field "extra"`},
		{"seconds: 1700000000", "seconds: -1", "epoch.seconds -1 is not a time"},
		{"seconds: 1700000000, ", "", "epoch.seconds is missing"},
		{"name: suite", "name: kiln", `inputs[1].name "kiln" is there twice`},
		{"inrelease: " + sumA, "inrelease: " + strings.ToUpper(sumA), "archives[0].inrelease"},
		{"10:11:12Z", "10:11:12+02:00", "archives[0].date"},
		{"archive: debian,", "archive: ubuntu,", `archives[0].archive "ubuntu" is unknown`},
		{"suite: trixie,", "suite: ../trixie,", "archives[0].suite"},
		{"suite: trixie,", "suite: sid,", "which is not among the lock's archives"},
		{"kind: local", "kind: svn", `sources[4].kind "svn" is unknown`},
		{"kind: local, name: ../src", "kind: local, name: /etc", "sources[4].name"},
		{"path: x.tar.gz", "path: ../x.tar.gz", "sources[0].files[0].path"},
		{"path: x.tar.gz", "path: /x.tar.gz", "sources[0].files[0].path"},
		{"path: x.tar.gz", "path: a//x.tar.gz", "sources[0].files[0].path"},
		{"path: x.tar.gz", `path: "a\\..\\x"`, "sources[0].files[0].path"},
		{"size: 12,", "size: 0,", "sources[0].files[0].size 0 is not above 0"},
		{"size: 12,", "size: -12,", "sources[0].files[0].size -12"},
		{"commit: ", "commit: g", "sources[1].commit"},
		{"sum: " + h1, "sum: h1:x", "sources[2].sum"},
		{"name: example.org/M", "name: ../M", "sources[2]: malformed module path"},
		{"name: nginx", "name: nginx;rm", "sources[3].name"},
		{"platform: linux/amd64", "platform: linux/arm64", "is not for linux/arm64"},
		{"platform: linux/amd64", "platform: plan9/mips", `platform "plan9/mips" is unknown`},
		{"name: libc6", "name: ../libc6", "platforms[0].build[0].name"},
		{"name: zlib1g", "name: libc6", `platforms[0].build[1].name "libc6" is there twice`},
		{"version: 2.41-12", "version: $(id)", "platforms[0].build[0].version"},
		{"path: " + pool, "path: ../../" + pool, "platforms[0].build[0].path"},
		{"path: " + pool, "path: pool/x.tar", "is not a .deb"},
		{"architecture: amd64", "architecture: all, essential: 1", "essential is given twice"},
		{"sha256: " + sumA + ", essential: true", "essential: true", "platforms[0].build[0].sha256 is missing"},
		{"ecosystem: npm", "ecosystem: nuget", `ecosystem "nuget" is unknown`},
		{"path: example.org/!m/@v/v1.2.3.zip, sha256", "path: ../v1.2.3.zip, sha256", "is not a path below the base"},
		{"path: example.org/!m/@v/v1.2.3.zip, sha256", "path: a/%2e%2e/v1.2.3.zip, sha256", "is not a path below the base"},
		{"path: 'https://example.org/file.bin'", "path: 'file:///etc/passwd'", "is not a URL"},
		{"path: 'https://example.org/file.bin'", "path: 'https://a:b@example.org/file.bin'", "holds credentials"},
		{"absent: true", "absent: true, sha256: " + sumA, "is absent and has a sha256"},
		{"sha256: " + sumA + ", signed: true", "signed: true", "is a URL without a sha256"},
		{"step: 1", "step: -1", "is below 0"},
	} {
		text := strings.Replace(string(raw), c.old, c.new, 1)
		if text == string(raw) {
			t.Errorf("%q is not in the lock", c.old)
			continue
		}
		got, err := ParseLock("recipe.lock", []byte(text))
		var all *Errors
		if got != nil || !errors.As(err, &all) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %q: got %v, want %q", c.new, err, c.want)
		}
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Recipe, *Lock)
		want   []string
	}{
		{"toolchain", func(r *Recipe, _ *Lock) { r.Build.Toolchain = []string{"go@1.27"} },
			[]string{"build.toolchain: the lock has go@1.26 c, the recipe asks for go@1.27"}},
		{"added", func(r *Recipe, _ *Lock) { r.Image.Packages = []string{"libx", "liba"} },
			[]string{"image.packages: liba libx is not in the lock"}},
		{"removed", func(r *Recipe, _ *Lock) { r.Build.Packages = nil },
			[]string{"build.packages: the lock has libssl-dev zlib1g-dev, which the recipe does not ask for"}},
		{"order of packages", func(r *Recipe, _ *Lock) { r.Build.Packages = []string{"zlib1g-dev", "libssl-dev"} }, nil},
		{"order of toolchains", func(r *Recipe, _ *Lock) { r.Build.Toolchain = []string{"c", "go@1.26"} },
			[]string{"build.toolchain: the lock has go@1.26 c, the recipe asks for c go@1.26"}},
		{"mirrors", func(r *Recipe, _ *Lock) { r.Sources[0].Archive.Mirrors = []string{"https://example.net/x"} }, nil},
		{"two", func(r *Recipe, _ *Lock) { r.Suite, r.Image.Base = "forky", "cc" },
			[]string{"suite: the lock has trixie, the recipe asks for forky", "image.base: the lock has glibc, the recipe asks for cc"}},
		{"other archive", func(_ *Recipe, l *Lock) { l.Sources[0].Files[0].SHA256 = sumB },
			[]string{"sources[0]: the lock has archive sha256:" + sumB + ", the recipe asks for archive sha256:" + sumA}},
		{"other commit", func(_ *Recipe, l *Lock) { l.Sources[1].Commit = sumB[:40] },
			[]string{"sources[1]: the lock has git " + sumB[:40] + ", the recipe asks for git " + sumA[:40]}},
		{"other module", func(_ *Recipe, l *Lock) { l.Sources[2].Version = "v1.2.4" },
			[]string{"sources[2]: the lock has go example.org/M@v1.2.4, the recipe asks for go example.org/M@v1.2.3"}},
		{"other source package", func(_ *Recipe, l *Lock) { l.Sources[3].Name = "apache2" },
			[]string{"sources[3]: the lock has debian apache2, the recipe asks for debian nginx"}},
		{"newer source package", func(_ *Recipe, l *Lock) { l.Sources[3].Version = "1.26.3-4" }, nil},
		{"source missing", func(_ *Recipe, l *Lock) { l.Sources = l.Sources[:4] },
			[]string{"sources[4]: local is not in the lock"}},
		{"fetch missing", func(_ *Recipe, l *Lock) { l.Platforms[0].Fetches = nil },
			[]string{"build.steps[1]: what its go step fetches on linux/amd64 is not in the lock"}},
		{"fetch of another step", func(_ *Recipe, l *Lock) { l.Platforms[0].Fetches[0].Step = 0 }, []string{
			"build.steps[0]: the lock has what its go step fetches on linux/amd64, which the recipe does not ask for",
			"build.steps[1]: what its go step fetches on linux/amd64 is not in the lock",
		}},
		{"fetch of no step", func(_ *Recipe, l *Lock) {
			l.Platforms[0].Fetches = append(l.Platforms[0].Fetches, LockedFetch{Step: 99, Kind: KindGo})
		}, []string{"build.steps[99]: the lock has what its go step fetches on linux/amd64, which the recipe does not ask for"}},
		{"platform missing", func(_ *Recipe, l *Lock) { l.Platforms = nil },
			[]string{"platforms: linux/amd64 is not in the lock"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, l := everyLock(t)
			c.change(r, l)
			err := l.Fits(r)
			var got []string
			var stale *StaleError
			if errors.As(err, &stale) {
				for _, ch := range stale.Changes {
					got = append(got, ch.String())
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStaleErrorText(t *testing.T) {
	r, l := everyLock(t)
	r.Build.Toolchain[0] = "go@1.27"
	want := "testdata/good/lockable.yaml:15:14: build.toolchain: the lock has go@1.26 c, the recipe asks for go@1.27 c"
	if diff := cmp.Diff(want, l.Fits(r).Error()); diff != "" {
		t.Error(diff)
	}
}

func TestInputsNameNoHost(t *testing.T) {
	for name, raw := range inputs(t, "testdata/good/*.yaml") {
		r, err := Parse(name, raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range Inputs(r) {
			if strings.Contains(in.Value, "://") || strings.Contains(in.Value, "git@") || strings.Contains(in.Value, "example.org/base") {
				t.Errorf("%s: %s names a host: %s", name, in.Name, in.Value)
			}
		}
	}
}

func FuzzReadLock(f *testing.F) {
	for _, file := range []string{"testdata/lock/every.lock", "testdata/lock/small.lock"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := ParseLock("recipe.lock", raw)
		if err != nil {
			checkErrors(t, err)
			return
		}
		for _, p := range l.Platforms {
			for _, pkg := range append(p.Build, p.Image...) {
				if !filepath.IsLocal(pkg.Path) || pkg.Size <= 0 || len(pkg.SHA256) != 64 {
					t.Errorf("accepted the package %+v", pkg)
				}
			}
		}
		out, err := l.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseLock("recipe.lock", out)
		if err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		if d1, d2 := digest(t, l), digest(t, again); d1 != d2 {
			t.Errorf("the digest changes on reading back:\n%s", out)
		}
	})
}

func digest(t *testing.T, l *Lock) string {
	t.Helper()
	d, err := l.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}
