package recipes

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// LockChange is one thing that two locks pin otherwise.
type LockChange struct {
	// What is suite, source, package, fetched or epoch; Use says of a package
	// whether it is in the image, or in the build environment alone.
	What string `json:"what"`
	Use  string `json:"use,omitempty"`
	Name string `json:"name"`
	// Platforms are those on which it changed, where not on all that both locks
	// have.
	Platforms []string `json:"platforms,omitempty"`
	// From and To are versions, or what else tells the two apart; empty where it
	// is not there.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// What a [LockChange] can be about, and the uses of a package.
const (
	ChangeSuite   = "suite"
	ChangeSource  = "source"
	ChangePackage = "package"
	ChangeFetched = "fetched"
	ChangeEpoch   = "epoch"

	UseImage = "image"
	UseBuild = "build"
)

// pin is a thing that a lock pins.
type pin struct{ what, use, name, platform string }

// Changes are what l pins otherwise than was: packages of the image first, each
// kind by name. Where nothing but times of archives differ, they are all there
// is.
func (l *Lock) Changes(was *Lock) []LockChange {
	old, now := was.pins(), l.pins()
	all := map[pin]bool{}
	for p := range old {
		all[p] = true
	}
	for p := range now {
		all[p] = true
	}
	type change struct{ what, use, name, from, to string }
	on := map[change][]string{}
	for p := range all {
		from, to := old[p], now[p]
		if from == to {
			continue
		}
		if version(from) != version(to) {
			from, to = version(from), version(to)
		}
		c := change{p.what, p.use, p.name, from, to}
		on[c] = append(on[c], p.platform)
	}
	var list []LockChange
	for c, platforms := range on {
		slices.Sort(platforms)
		if len(platforms) == max(len(was.Platforms), len(l.Platforms)) || platforms[0] == "" {
			platforms = nil
		}
		list = append(list, LockChange{What: c.what, Use: c.use, Name: c.name, Platforms: platforms, From: c.from, To: c.to})
	}
	slices.SortFunc(list, func(a, b LockChange) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name), slices.Compare(a.Platforms, b.Platforms), cmp.Compare(a.From, b.From))
	})
	return list
}

func rank(c LockChange) int {
	return slices.Index([]string{"package image", "source ", "package build", "fetched ", "suite ", "epoch "}, c.What+" "+c.Use)
}

// version is what stands before the digest.
func version(text string) string {
	v, _, _ := strings.Cut(text, " ")
	return v
}

// pins are what a lock pins, each as "VERSION DIGEST".
func (l *Lock) pins() map[pin]string {
	m := map[pin]string{{what: ChangeEpoch, name: "SOURCE_DATE_EPOCH"}: l.Epoch.From}
	for _, a := range l.Archives {
		m[pin{what: ChangeSuite, name: a.Archive + " " + a.Suite}] = a.Date + " " + a.InRelease
	}
	for i, s := range l.Sources {
		text := strings.Join([]string{s.Version, s.Commit, s.Tree, s.Sum}, " ")
		for _, f := range s.Files {
			text += " " + f.SHA256
		}
		m[pin{what: ChangeSource, name: strings.Join([]string{index("sources", i), s.Kind, s.Name}, " ")}] = strings.Join(strings.Fields(text), " ")
	}
	for _, p := range l.Platforms {
		maps.Copy(m, p.pins())
	}
	return m
}

func (p *LockedPlatform) pins() map[pin]string {
	m := map[pin]string{}
	for use, list := range map[string][]Package{UseImage: p.Image, UseBuild: p.Build} {
		for _, pkg := range list {
			name := pkg.Name
			if _, arch, _ := strings.Cut(p.Platform, "/"); pkg.Architecture != arch && pkg.Architecture != "all" {
				name += ":" + pkg.Architecture
			}
			m[pin{ChangePackage, use, name, p.Platform}] = pkg.Version + " " + pkg.SHA256
		}
	}
	for _, f := range p.Fetches {
		for _, file := range f.Files {
			m[pin{ChangeFetched, "", file.Ecosystem + " " + file.Path, p.Platform}] = strings.TrimSpace("present " + file.SHA256)
		}
	}
	return m
}
