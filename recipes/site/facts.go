package site

import "time"

// Catalog is what the pages tell.
type Catalog struct {
	// Title is what the catalog is called.
	Title string
	// Signer says whose signatures count; empty is nobody's, and then nothing
	// is verified.
	Signer string
	// Live is whether the pages are of this moment, as a server's are.
	Live   bool
	Images []Image
}

// Image is one entry of the catalog: what its recipe says, and what the registry
// has of it.
type Image struct {
	// Name is the entry's, and that of its page.
	Name, Summary, Description string
	License                    string // of the service, by the recipe
	Homepage, Upstream         string // URLs; others than http and https become no link
	Categories, Owners         []string
	// EOL is the day on which the service reaches its end of life, as
	// YYYY-MM-DD; empty is none that is known.
	EOL string
	// Recipe is the recipe's path in the catalog, Wanted the version that it
	// asks for.
	Recipe, Wanted string
	// Repository is where the image is published.
	Repository string
	Verdict    Verdict
	// Runtime is what the service may have and do while it runs.
	Runtime Runtime
	// Releases are what the registry has, the newest first.
	Releases []Release
	// Current tells about the release that people are to use; nil where
	// nothing is published.
	Current *Details
}

// Level is how an image stands.
type Level string

// Levels, the best first.
const (
	Good      Level = "good"
	Attention Level = "attention"
	Bad       Level = "bad"
	// Absent is an image that is not published.
	Absent Level = "absent"
)

// Levels are all, the best first.
func Levels() []Level { return []Level{Good, Attention, Bad, Absent} }

// Word is what people read for it.
func (l Level) Word() string {
	switch l {
	case Good:
		return "Good"
	case Attention:
		return "Attention"
	case Bad:
		return "Problem"
	}
	return "Not published"
}

// Verdict is how an image stands, and why.
type Verdict struct {
	Level   Level
	Reasons []Reason
}

// Reason is one thing that people should know of an image.
type Reason struct {
	Level Level
	Text  string
}

// Add notes a reason. The worst decides.
func (v *Verdict) Add(l Level, text string) {
	v.Reasons = append(v.Reasons, Reason{l, text})
	if v.Level == "" || rank(l) > rank(v.Level) {
		v.Level = l
	}
}

func rank(l Level) int {
	for i, have := range Levels() {
		if have == l {
			return i
		}
	}
	return len(Levels())
}

// Release is one manifest that the registry has.
type Release struct {
	Version string
	// Variant is the name of the recipe's variant that it is.
	Variant string
	Digest  string
	Tags    []string
	// Built is what its configuration says; zero where it does not.
	Built     time.Time
	Platforms []Platform
	// Current is whether it is the one that Details is about.
	Current bool
}

// Platform is the image for one platform.
type Platform struct {
	Name, Digest string
	// Size is of layers and configuration, compressed, in bytes.
	Size int64
}

// Size is that of the image for the first platform.
func (r Release) Size() int64 {
	if len(r.Platforms) == 0 {
		return 0
	}
	return r.Platforms[0].Size
}
