package recipes

// Lock pins every input of a recipe. It names no host, so that any mirror
// serves, and holds no clock of the machine that wrote it.
type Lock struct {
	Kiln string `yaml:"kiln" kiln:"required"`
	// Inputs are what the recipe asked for when it was locked: see Inputs.
	Inputs []Input `yaml:"inputs" kiln:"required"`
	// Epoch is SOURCE_DATE_EPOCH.
	Epoch Epoch `yaml:"epoch" kiln:"required"`
	// Archives are the suites that packages were resolved in.
	Archives []Archive `yaml:"archives"`
	// Sources are the recipe's sources, in its order.
	Sources []LockedSource `yaml:"sources" kiln:"required"`
	// Platforms are the packages for each platform, in the recipe's order.
	Platforms []LockedPlatform `yaml:"platforms" kiln:"required"`
}

// Input is one thing the recipe asked for.
type Input struct {
	Name string `yaml:"name" kiln:"required"`
	// Value is what was asked for, as text without host names: for a
	// source with a URL, the URL's SHA-256 stands in its place.
	Value string `yaml:"value" kiln:"required"`
}

// Epoch is the time that everything in the image is dated with.
type Epoch struct {
	// Seconds since 1970-01-01 UTC.
	Seconds int64 `yaml:"seconds" kiln:"required"`
	// From says where it comes from, for people.
	From string `yaml:"from" kiln:"required"`
}

// Archive is one suite of a Debian archive at one time.
type Archive struct {
	// Archive is "debian" or "debian-security".
	Archive string `yaml:"archive" kiln:"required"`
	Suite   string `yaml:"suite" kiln:"required"`
	// Date is the Date field of InRelease, RFC 3339 in UTC.
	Date string `yaml:"date" kiln:"required"`
	// InRelease is the sha256 of the suite's InRelease, as hex.
	InRelease string `yaml:"inrelease" kiln:"required"`
}

// LockedSource pins one source. Which fields are set depends on its kind.
type LockedSource struct {
	// Kind is archive, git, go, debian or local.
	Kind string `yaml:"kind" kiln:"required"`
	// Name is the file name, repository name, module path, source package
	// or folder.
	Name string `yaml:"name" kiln:"required"`
	// Version is the module version or Debian version.
	Version string `yaml:"version,omitempty"`
	// Commit is the full id of a git commit.
	Commit string `yaml:"commit,omitempty"`
	// Tree is the sha256, as hex, of the layer that kiln makes of the commit's
	// tree: what `kiln vendor` stores of it.
	Tree string `yaml:"tree,omitempty"`
	// Sum is the module's h1: hash, as the checksum database has it; GoMod
	// that of its go.mod.
	Sum   string `yaml:"sum,omitempty"`
	GoMod string `yaml:"gomod,omitempty"`
	// Files are the files to download, for archive, go (the zip) and debian.
	Files []LockedFile `yaml:"files,omitempty"`
}

// LockedFile is one file to download.
type LockedFile struct {
	// Path is the file's name, or its path in the Debian archive.
	Path string `yaml:"path" kiln:"required"`
	// Archive is the Debian archive that Path is in, where it is in one.
	Archive string `yaml:"archive,omitempty"`
	Size    int64  `yaml:"size" kiln:"required"`
	SHA256  string `yaml:"sha256" kiln:"required"`
}

// LockedPlatform pins the packages for one platform.
type LockedPlatform struct {
	// Platform is os/arch, as in an OCI image index.
	Platform string `yaml:"platform" kiln:"required"`
	// Builder is the platform that the build environment runs on; empty is
	// Platform. Where they differ, the service is cross-compiled.
	Builder string `yaml:"builder,omitempty"`
	// Build are the packages of the build environment, by name, and those of
	// Builder's architecture before those of Platform's.
	Build []Package `yaml:"build,omitempty"`
	// Image are the packages of the base and of image.packages, by name.
	Image []Package `yaml:"image,omitempty"`
	// Fetches are what the steps that have the network may bring, one for
	// each fetch of a step, in the recipe's order.
	Fetches []LockedFetch `yaml:"fetches,omitempty"`
}

// LockedFetch pins everything that one fetch of a step asks for.
type LockedFetch struct {
	// Step is the step's index in build.steps, and Kind its kind.
	Step int    `yaml:"step"`
	Kind string `yaml:"kind" kiln:"required"`
	// Key is a digest, as hex, of all that decides what it does besides the
	// servers' answers: its command, the files that it sees, where it runs.
	Key string `yaml:"key,omitempty"`
	// Result is the sha256, as hex, of the layer that it left when it was
	// locked. What comes from elsewhere than a fetch must be that.
	Result string `yaml:"result,omitempty"`
	// Files are what it asks for, by ecosystem and path. A fetch may need
	// none, where everything is vendored.
	Files []FetchedFile `yaml:"files,omitempty"`
}

// FetchedFile is one URL that a fetch asks for.
type FetchedFile struct {
	// Ecosystem is one of Ecosystems. Any mirror of it serves: Path is below
	// the base that is configured for it where kiln runs. For "url" there is
	// none, and Path is the whole URL.
	Ecosystem string `yaml:"ecosystem" kiln:"required"`
	Path      string `yaml:"path" kiln:"required"`
	// SHA256 is of the answer, as hex. Empty is any: the bytes are of no
	// importance to a build, or, where Absent is set, there are none.
	SHA256 string `yaml:"sha256,omitempty"`
	// Absent says that there is no such file.
	Absent bool `yaml:"absent,omitempty"`
	// Signed says that the URL was followed by a query that signs it, which
	// differs each time and is not part of Path.
	Signed bool `yaml:"signed,omitempty"`
}

// Package is one binary package of a Debian archive.
type Package struct {
	Name         string `yaml:"name" json:"name" kiln:"required"`
	Version      string `yaml:"version" json:"version" kiln:"required"`
	Architecture string `yaml:"architecture" json:"architecture" kiln:"required"`
	// Source and SourceVersion name the source package; empty where they
	// equal Name and Version.
	Source        string `yaml:"source,omitempty" json:"source,omitempty"`
	SourceVersion string `yaml:"source-version,omitempty" json:"source-version,omitempty"`
	// Archive is "debian" or "debian-security"; Suite is the suite in it.
	Archive string `yaml:"archive" json:"archive" kiln:"required"`
	Suite   string `yaml:"suite" json:"suite" kiln:"required"`
	// Path is the path of the .deb in the archive.
	Path string `yaml:"path" json:"path" kiln:"required"`
	// Size is in bytes.
	Size   int64  `yaml:"size" json:"size" kiln:"required"`
	SHA256 string `yaml:"sha256" json:"sha256" kiln:"required"`
	// Essential marks what the build environment cannot run without, and
	// so is unpacked before dpkg runs.
	Essential bool `yaml:"essential,omitempty" json:"essential,omitempty"`
}
