package site

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
