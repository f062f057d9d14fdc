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

// Details are about one release. Of each part, Why says why nothing is known:
// where it is set the part has nothing else.
type Details struct {
	Release
	Verified   Verified
	Pull       []Command
	Verify     []Command
	Packages   Packages
	Scan       Scan
	Provenance Provenance
	Tests      Tests
	Diff       Diff
	// Audit is what an audit found; nil where none was asked for.
	Audit *Audit
}

// Verified is who signed, and what of it verifies.
type Verified struct {
	// By is who signed the image; empty where nobody known did.
	By string
	// Problems are why not, or what else does not verify.
	Problems []string
	// Key is the public key in PEM, where By is a key.
	Key string
	// Statements are the types that verified.
	Statements []string
}

// Command is one that people copy.
type Command struct{ Label, Text string }

// Packages are what is in the image, by its SPDX document.
type Packages struct {
	Why  string
	List []Package
	// Coverage is how much of the image the document accounts for, in percent;
	// negative where it does not say.
	Coverage float64
}

// Package is a component. Platforms are those that it is in the image for,
// where these are not all.
type Package struct {
	Name, Version, License string
	Platforms              []string
}

// Scan is what is known of vulnerabilities.
type Scan struct {
	Why string
	// At is when it was done, Advisories when the newest advisory was changed
	// that it knew; zero where that is not known.
	At, Advisories time.Time
	// Missing are ecosystems of packages in the image that it had no
	// advisories for, and Unmatched packages of none.
	Missing   []string
	Unmatched []string
	Findings  []Finding
}

// Open are the findings that no statement suppresses.
func (s Scan) Open() []Finding { return s.which(false) }

// Suppressed are those that a statement says are no matter.
func (s Scan) Suppressed() []Finding { return s.which(true) }

func (s Scan) which(suppressed bool) (list []Finding) {
	for _, f := range s.Findings {
		if (f.Suppressed != nil) == suppressed {
			list = append(list, f)
		}
	}
	return list
}

// Finding is one known vulnerability of one package.
type Finding struct {
	ID      string
	Aliases []string
	URL     string
	Summary string
	Package string
	Version string
	// Fixed is the lowest version without it; empty where there is none.
	Fixed string
	// Severity is critical, high, medium, low, none or unknown.
	Severity  string
	Exploited bool
	// Suppressed is the statement that says it is no matter, Statements are
	// others about it.
	Suppressed *Statement
	Statements []Statement
}

// Statement is a VEX statement.
type Statement struct {
	Status, Justification, Reason string
	From                          string
	// Date and Expires are days, as YYYY-MM-DD.
	Date, Expires string
	Expired       bool
}

// Provenance is how the image was made.
type Provenance struct {
	Why                     string
	Builder, Kiln, BuildKit string
	// Key is the build key, RecipeDigest and LockDigest are those of the texts.
	Key, RecipeDigest, LockDigest string
	// Recipe is the text that it was built from.
	Recipe  string
	Sources []Source
	// Rebuilt are those who built the same again.
	Rebuilt []string
}

// Source is one origin of source code, or something that a step fetched.
type Source struct {
	Name, URI, Digest string
	Fetched           bool
}

// Tests are how the image's tests ended.
type Tests struct {
	Why string
	// Result is PASSED, WARNED or FAILED.
	Result                 string
	Passed, NotRun, Failed []Test
	// None is why there are no tests.
	None string
}

// Test is one of them. Reason is why it was not run.
type Test struct{ Name, Reason string }

// Runtime is what the service may have and do while it runs.
type Runtime struct {
	Why string
	// Promised is whether it is the recipe's, of an image that is not
	// published.
	Promised         bool
	User, Workdir    string
	Entrypoint, Args []string
	Ports, Volumes   []string
	Writable         []string
	Capabilities     []string
	Memory, CPU      string
	Pids             int
	StopSignal       string
	Env              []string
}

// Diff is what the previous release had in other form.
type Diff struct {
	Why string
	// From names the previous release, Platform the images compared.
	From, FromDigest, Platform string
	// SizeFrom and SizeTo are compressed, in bytes.
	SizeFrom, SizeTo int64
	Parts            []DiffPart
}

// DiffPart is one kind of changes, such as packages.
type DiffPart struct {
	Name    string
	Changes []Change
	// More is how many others there are.
	More int
}

// Change is what something was and is. An empty From was added, an empty To
// removed.
type Change struct{ Name, From, To string }

// Audit is what was found at the moment of an image, and of those that it lists.
type Audit struct {
	Rules []Rule
	// Newer are packages that the archive has newer.
	Newer []Newer
	// Unknown is what could not be found out, in words.
	Unknown []string
}

// Newer is a package that the archive has newer. Security is the security update
// that it lacks, empty where it lacks none.
type Newer struct{ Name, Version, Available, Suite, Security string }

// Rule is one rule of a policy, with what it found.
type Rule struct {
	Name, Evidence, Hint string
	OK                   bool
}
