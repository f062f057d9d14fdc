package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

func lockedPackage(name, version string, size int64) recipes.Package {
	return recipes.Package{Name: name, Version: version, Architecture: "all", Archive: "debian", Suite: "trixie", Path: "pool/" + name, Size: size, SHA256: version}
}

// oldLock and its change of what there is to change.
func oldLock() *recipes.Lock {
	return &recipes.Lock{
		Kiln: "v1", Inputs: []recipes.Input{{Name: "build.toolchain", Value: "go@1.26"}, {Name: "image.base", Value: "static"}},
		Epoch:    recipes.Epoch{Seconds: 1, From: "debian trixie InRelease"},
		Archives: []recipes.Archive{{Archive: "debian", Suite: "trixie", Date: "2026-11-20T00:00:00Z", InRelease: "a"}},
		Sources: []recipes.LockedSource{
			{Kind: "go", Name: "example.org/m", Version: "v1.0.0"},
			{Kind: "git", Name: "repo", Version: "v1", Commit: "c1"},
			{Kind: "archive", Name: "x.tar", Files: []recipes.LockedFile{{Path: "x.tar", SHA256: "s1"}}},
		},
		Platforms: []recipes.LockedPlatform{{
			Platform: "linux/amd64",
			Build:    []recipes.Package{lockedPackage("gcc-14", "14.2.0-19", 2_000_000), lockedPackage("libold", "1", 10)},
			Image:    []recipes.Package{lockedPackage("ca-certificates", "20250419", 150_000), lockedPackage("tzdata", "2026e-0", 250_000)},
			Fetches: []recipes.LockedFetch{{Step: 0, Kind: "go", Files: []recipes.FetchedFile{
				{Ecosystem: "go", Path: "golang.org/x/net/@v/v0.59.0.zip", SHA256: "1"},
				{Ecosystem: "go", Path: "golang.org/x/net/@v/v0.59.0.mod", SHA256: "2"},
				{Ecosystem: "url", Path: "https://example.org/a|`b`", SHA256: "3"},
			}}},
		}},
	}
}

func newerLock() *recipes.Lock {
	l := oldLock()
	l.Inputs[0].Value = "go@1.27"
	l.Archives[0].Date, l.Epoch.Seconds = "2026-11-22T00:00:00Z", 2
	l.Sources[0].Version, l.Sources[1].Commit, l.Sources[2].Files[0].SHA256 = "v1.0.1", "c2", "s2"
	p := &l.Platforms[0]
	p.Build = []recipes.Package{lockedPackage("gcc-14", "14.2.0-20", 2_100_000), lockedPackage("libnew", "1", 10)}
	p.Image[1] = lockedPackage("tzdata", "2026f-0", 260_000)
	p.Fetches[0].Files[0].Path = "golang.org/x/net/@v/v0.60.0.zip"
	p.Fetches[0].Files[2].SHA256 = "4"
	l.Platforms = append(l.Platforms, recipes.LockedPlatform{Platform: "linux/arm64", Image: []recipes.Package{lockedPackage("tzdata", "2026f-0", 260_000)}})
	return l
}

func TestLockDiff(t *testing.T) {
	d, err := lockDiff(oldLock(), newerLock())
	if err != nil || !d.Changed {
		t.Fatalf("got %+v, %v", d, err)
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"diff.json": string(text) + "\n", "diff.md": d.markdown()} {
		file := filepath.Join("testdata", "lockdiff", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	for range 25 {
		again, err := lockDiff(oldLock(), newerLock())
		if err != nil || again.markdown() != d.markdown() {
			t.Fatal("another text", err)
		}
	}
}

// What the archive's indexes are dated is no change, and so is an image's date
// that is taken from them.
func TestLockDiffOfDates(t *testing.T) {
	l := oldLock()
	l.Archives[0].Date, l.Archives[0].InRelease, l.Epoch.Seconds = "2026-11-22T00:00:00Z", "b", 2
	d, err := lockDiff(oldLock(), l)
	if err != nil || d.Changed || d.markdown() != "" {
		t.Errorf("got %+v, %v", d, err)
	}
	l.Epoch.From = "go example.org/m v1.0.0"
	if d, err := lockDiff(oldLock(), l); err != nil || !d.Changed {
		t.Errorf("got %+v, %v", d, err)
	}
}
