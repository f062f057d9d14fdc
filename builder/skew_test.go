package builder

import (
	"errors"
	"testing"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
)

func TestSkew(t *testing.T) {
	pkg := func(name, version, source, arch string) recipes.Package {
		return recipes.Package{Name: name, Version: version, SourceVersion: source, Architecture: arch}
	}
	platform := func(name string, build, image []recipes.Package) recipes.LockedPlatform {
		return recipes.LockedPlatform{Platform: name, Build: build, Image: image}
	}
	type list = []recipes.Package
	for _, c := range []struct {
		name         string
		amd64, arm64 recipes.LockedPlatform
		want         string
	}{
		{"the same", platform("linux/amd64", nil, list{pkg("libc6", "2", "", "amd64")}), platform("linux/arm64", nil, list{pkg("libc6", "2", "", "arm64")}), ""},
		{
			"rebuilt for one", platform("linux/amd64", nil, list{pkg("zlib1g", "1-2+b1", "1-2", "amd64")}),
			platform("linux/arm64", nil, list{pkg("zlib1g", "1-2", "", "arm64")}), "",
		},
		{
			"packages that one platform alone has", platform("linux/amd64", list{pkg("gcc-14", "14.2", "", "amd64")}, nil),
			platform("linux/arm64", list{pkg("gcc-14-aarch64-linux-gnu", "14.1", "", "amd64")}, nil), "",
		},
		{
			"another libc", platform("linux/amd64", nil, list{pkg("libc6", "2-3+deb13u2", "", "amd64")}),
			platform("linux/arm64", nil, list{pkg("libc6", "2-3+deb13u1", "", "arm64")}),
			"locking packages: libc6 is 2-3+deb13u2 for linux/amd64 and 2-3+deb13u1 for linux/arm64, so that the platforms of one image would differ",
		},
		{
			"data", platform("linux/amd64", nil, list{pkg("tzdata", "2026a", "", "all")}),
			platform("linux/arm64", nil, list{pkg("tzdata", "2025b", "", "all")}),
			"locking packages: tzdata is 2026a for linux/amd64 and 2025b for linux/arm64, so that the platforms of one image would differ",
		},
		{
			"what the build links with", platform("linux/amd64", list{pkg("libssl-dev", "3.5.7", "", "amd64")}, nil),
			platform("linux/arm64", list{pkg("libssl-dev", "3.5.6", "", "arm64")}, nil),
			"locking packages: libssl-dev is 3.5.7 for linux/amd64 and 3.5.6 for linux/arm64, so that the platforms of one image would differ",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkSkew([]recipes.LockedPlatform{c.amd64, c.arm64})
			var skew *SkewError
			if c.want != "" && (!errors.As(err, &skew) || err.Error() != c.want || skew.Hint() == "") {
				t.Errorf("error is %v, want %s", err, c.want)
			}
			if c.want == "" && err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSameArchives(t *testing.T) {
	list := []recipes.Archive{{Archive: archive.Debian, Suite: "trixie", InRelease: digestOf("1")}}
	newer := []recipes.Archive{{Archive: archive.Debian, Suite: "trixie", InRelease: digestOf("2")}}
	platforms := []string{"linux/amd64", "linux/arm64"}
	if err := sameArchives([][]recipes.Archive{list, list}, platforms); err != nil {
		t.Error(err)
	}
	if err := sameArchives([][]recipes.Archive{list, newer}, platforms); err == nil {
		t.Error("platforms locked from two times of the archive: no error")
	}
}

// TestLockCross locks a recipe for two platforms with the real archive.
func TestLockCross(t *testing.T) {
	k := newLocker(t)
	r := tiny(t, "[gcc@14, go]", "[zlib1g-dev, libssl-dev, libssl-dev:native, pkgconf]", "[zlib1g]")
	r.Platforms = []string{"linux/amd64", "linux/arm64"}
	l, err := k.Lock(t.Context(), r)
	check(t, err)
	text, err := l.Marshal()
	check(t, err)
	read, err := recipes.ParseLock("recipe.lock", text)
	check(t, err)
	check(t, read.Fits(r))
	arm, err := read.For("linux/arm64")
	check(t, err)
	if arm.Builder != "linux/amd64" {
		t.Errorf("the build for linux/arm64 runs on %q, want linux/amd64", arm.Builder)
	}
	have := map[string]bool{}
	for _, p := range arm.Build {
		have[p.Name+":"+p.Architecture] = true
	}
	for want, there := range map[string]bool{
		"gcc-14-aarch64-linux-gnu:amd64": true, "g++-14-aarch64-linux-gnu:amd64": true, "make:amd64": true, "binutils:amd64": true,
		"libc6-dev:arm64": true, "libstdc++6:arm64": true, "zlib1g-dev:arm64": true, "libssl-dev:arm64": true, "libssl-dev:amd64": true,
		"golang-go:amd64": true, "zlib1g-dev:amd64": false, "gcc-14:amd64": false, "golang-go:arm64": false,
	} {
		if have[want] != there {
			t.Errorf("%s is there: %v, want %v", want, have[want], there)
		}
	}
	for _, p := range arm.Image {
		if p.Architecture == "amd64" {
			t.Errorf("the image for linux/arm64 may take %s of amd64", p.Name)
		}
	}
	r.Build.Native = true
	l, err = k.Lock(t.Context(), r)
	check(t, err)
	for _, p := range l.Platforms[1].Build {
		if p.Architecture == "amd64" {
			t.Errorf("a native build environment for linux/arm64 has %s of amd64", p.Name)
		}
	}
	if l.Platforms[1].Builder != "" {
		t.Errorf("a native build for linux/arm64 runs on %q, want no word of it", l.Platforms[1].Builder)
	}
}
