package builder

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

func TestTarget(t *testing.T) {
	cross, err := newTarget("linux/arm64", "linux/amd64")
	check(t, err)
	native, err := newTarget("linux/amd64", "linux/amd64")
	check(t, err)
	got := []string{
		cross.Arch(), cross.Triplet(), cross.BuildTriplet(), cross.RustTarget(), cross.Tool("strip"), cross.PkgConfigPath(),
		native.Arch(), native.Triplet(), native.BuildTriplet(), native.RustTarget(), native.Tool("strip"),
	}
	want := []string{
		"arm64", "aarch64-linux-gnu", "x86_64-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-linux-gnu-strip",
		"/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig",
		"amd64", "x86_64-linux-gnu", "x86_64-linux-gnu", "x86_64-unknown-linux-gnu", "strip",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if !cross.Cross() || native.Cross() {
		t.Errorf("Cross() is %v for another platform and %v for the same", cross.Cross(), native.Cross())
	}
	if _, err := newTarget("linux/s390x", "linux/amd64"); err == nil {
		t.Error("a target without tools: no error")
	}
}

// TestNativePlanOfAnotherPlatform: what runs on the platform itself is told
// nothing of cross-compiling.
func TestNativePlanOfAnotherPlatform(t *testing.T) {
	r := load(t, "testdata/plan/cross_c.yaml")
	r.Build.Native = true
	p, err := NewPlan(r, lockOf(r), "linux/arm64", Inputs{})
	check(t, err)
	for _, op := range operations(t, p.Artifacts) {
		if exec := op.GetExec(); exec != nil {
			if op.Platform.Architecture != "arm64" {
				t.Errorf("%q runs on %s, want arm64", exec.Meta.Args, op.Platform.Architecture)
			}
			if slices.ContainsFunc(exec.Meta.Env, func(kv string) bool { return strings.HasPrefix(kv, "host_alias=") }) {
				t.Errorf("%q cross-compiles", exec.Meta.Args)
			}
		}
	}
}

// TestOldLockOfAnotherPlatform: a lock that names no builder was made for a
// build on the platform itself, and still is.
func TestOldLockOfAnotherPlatform(t *testing.T) {
	r := load(t, "testdata/plan/cross_go.yaml")
	l := lockOf(r)
	l.Platforms[0].Builder = ""
	p, err := NewPlan(r, l, "linux/arm64", fetchedAll(t, r, Inputs{}))
	check(t, err)
	if got, want := p.target, (Target{"linux/arm64", "linux/arm64"}); got != want {
		t.Errorf("the target is %v, want %v", got, want)
	}
	if got := (recipes.LockedPlatform{Platform: "linux/arm64"}).RunsOn(); got != "linux/arm64" {
		t.Errorf("it runs on %s, want linux/arm64", got)
	}
}

func TestCrossSeeds(t *testing.T) {
	native := Target{"linux/amd64", "linux/amd64"}
	cross := Target{"linux/arm64", "linux/amd64"}
	seeds := []string{"gcc-14", "g++-14", "libc6-dev", "make", "golang-1.27-go/trixie-backports", "rustc=1.85.0-3"}
	if diff := cmp.Diff(seeds, crossSeeds(seeds, native)); diff != "" {
		t.Errorf("seeds of a native build (-want +got):\n%s", diff)
	}
	want := []string{
		"gcc-14-aarch64-linux-gnu", "g++-14-aarch64-linux-gnu",
		"libc6-dev:arm64", "libgcc-s1:arm64", "libstdc++6:arm64", "libatomic1:arm64", "libgomp1:arm64", "binutils",
		"make", "golang-1.27-go/trixie-backports",
		"rustc=1.85.0-3", "libstd-rust-dev:arm64=1.85.0-3", "gcc-aarch64-linux-gnu", "libc6-dev:arm64", "libgcc-s1:arm64",
	}
	if diff := cmp.Diff(want, crossSeeds(seeds, cross)); diff != "" {
		t.Errorf("seeds of a cross build (-want +got):\n%s", diff)
	}
}
