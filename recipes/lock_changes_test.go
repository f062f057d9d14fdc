package recipes

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLockChanges(t *testing.T) {
	lock := func(libc, day string, image ...Package) *Lock {
		l := &Lock{
			Epoch:    Epoch{From: "sources"},
			Archives: []Archive{{Archive: "debian", Suite: "trixie", Date: day, InRelease: digit(day)}},
			Sources:  []LockedSource{{Kind: KindGo, Name: "example.com/a", Version: "v1.0.0", Sum: "h1:x"}},
		}
		for _, p := range []string{"linux/amd64", "linux/arm64"} {
			arch := p[len("linux/"):]
			build := []Package{{Name: "libc6", Version: libc, Architecture: arch, SHA256: digit(libc + arch)}}
			l.Platforms = append(l.Platforms, LockedPlatform{Platform: p, Build: build, Image: image})
		}
		return l
	}
	tzdata := Package{Name: "tzdata", Version: "2026a", Architecture: "all", SHA256: "1"}
	newer := tzdata
	newer.Version, newer.SHA256 = "2026b", "2"
	again := tzdata
	again.SHA256 = "3"
	was := lock("2.41-1", "2026-11-01T00:00:00Z", tzdata)
	for name, tt := range map[string]struct {
		now  *Lock
		want []LockChange
	}{
		"nothing": {lock("2.41-1", "2026-11-01T00:00:00Z", tzdata), nil},
		"newer": {lock("2.41-2", "2026-11-01T00:00:00Z", newer), []LockChange{
			{What: ChangePackage, Use: UseImage, Name: "tzdata", From: "2026a", To: "2026b"},
			{What: ChangePackage, Use: UseBuild, Name: "libc6", From: "2.41-1", To: "2.41-2"},
		}},
		"other bytes of a version": {lock("2.41-1", "2026-11-01T00:00:00Z", again), []LockChange{
			{What: ChangePackage, Use: UseImage, Name: "tzdata", From: "2026a 1", To: "2026a 3"},
		}},
		"the archive's time": {lock("2.41-1", "2026-11-02T00:00:00Z", tzdata), []LockChange{
			{What: ChangeSuite, Name: "debian trixie", From: "2026-11-01T00:00:00Z", To: "2026-11-02T00:00:00Z"},
		}},
		"gone": {lock("2.41-1", "2026-11-01T00:00:00Z"), []LockChange{
			{What: ChangePackage, Use: UseImage, Name: "tzdata", From: "2026a"},
		}},
	} {
		for range 25 {
			if diff := cmp.Diff(tt.want, tt.now.Changes(was)); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	one := lock("2.41-1", "2026-11-01T00:00:00Z", tzdata)
	one.Platforms[1].Build[0].Version = "2.41-3"
	one.Sources[0].Version = "v1.1.0"
	want := []LockChange{
		{What: ChangeSource, Name: "sources[0] go example.com/a", From: "v1.0.0", To: "v1.1.0"},
		{What: ChangePackage, Use: UseBuild, Name: "libc6", Platforms: []string{"linux/arm64"}, From: "2.41-1", To: "2.41-3"},
	}
	if diff := cmp.Diff(want, one.Changes(was)); diff != "" {
		t.Errorf("of one platform (-want +got):\n%s", diff)
	}
}

func digit(s string) string { return "d-" + s }
