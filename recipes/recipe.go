// Package recipes holds what a person writes and what kiln pins: the recipe,
// its lock, and the small structs by which the builder, the SBOM writer and
// the signer speak of an image without importing each other.
//
// It reads and checks; it never downloads, builds or signs. Start at [Load]
// for a recipe and at [ReadLock] for a lock.
package recipes

import "gopkg.in/yaml.v3"

// FormatVersion is the version of the recipe and lock formats that this
// package reads and writes.
const FormatVersion = "v1"

// Pos is a place in a recipe or lock. Lines, and columns in characters, count
// from 1. The zero Pos is unknown.
type Pos struct {
	Line, Col int
}

// Recipe says how a service is compiled from source and what its image is.
// [Load] returns it with defaults filled in and ${…} substituted.
type Recipe struct {
	// File is the path the recipe was read from, as the user gave it.
	File string `yaml:"-"`
	// Raw is the recipe's text, byte for byte.
	Raw []byte `yaml:"-"`
	// Variant is the name of the variant that this is, empty for the recipe
	// itself.
	Variant string `yaml:"-"`

	// places are where the values stand, by path: see Pos.
	places map[string]Pos
	// essence is the tree of what Essence returns.
	essence *yaml.Node

	// Kiln is the version of the format: v1.
	Kiln string `yaml:"kiln" kiln:"required"`
	// Name is what the image is called in reports, and its folder without
	// --push.
	Name string `yaml:"name" kiln:"required"`
	// Version is that of the service, and the image's tag.
	Version string `yaml:"version" kiln:"required,number,raw"`
	// Summary says in one line what the service is.
	Summary string `yaml:"summary" kiln:"required"`
	// License is that of the service, as an SPDX expression.
	License string `yaml:"license" kiln:"required"`
	// Homepage is the URL of the service's own page.
	Homepage string `yaml:"homepage"`
	// Description says in a few sentences what the service is for and how its
	// image is used, as plain text.
	Description string `yaml:"description"`
	// Categories are what it is found under, such as databases.
	Categories []string `yaml:"categories" kiln:"single"`
	// Upstream is the URL of the repository that its source comes from.
	Upstream string `yaml:"upstream"`
	// Owners are who looks after the recipe: teams, people or addresses.
	Owners []string `yaml:"owners" kiln:"single"`
	// EOL is the last day on which upstream mends this version, as YYYY-MM-DD.
	EOL string `yaml:"eol"`
	// Vars are what ${vars.x} stands for.
	Vars map[string]string `yaml:"vars" kiln:"number,raw"`
	// Suite is the Debian suite that build environment and base come from, by
	// codename. Empty is trixie.
	Suite string `yaml:"suite"`
	// Platforms are the OCI platforms to build for, as os/arch. Empty is
	// linux/amd64, on whatever machine.
	Platforms []string `yaml:"platforms"`
	// Sources are where the source code comes from.
	Sources []Source `yaml:"sources" kiln:"required"`
	Build   Build    `yaml:"build" kiln:"required"`
	Image   Image    `yaml:"image" kiln:"required"`
	// Runtime is what the service may have and do while it runs.
	Runtime Runtime `yaml:"runtime"`
	// Update says where newer versions are looked for. Left out, the sources
	// say it, where one of them alone has a version.
	Update *Update `yaml:"update"`
	// Tests are run on the finished image before it is published.
	Tests []Test `yaml:"tests"`
	// Allow lists findings about the image that are accepted.
	Allow []Allow `yaml:"allow"`
	// Variants are further images of the recipe, that differ in the fields
	// they state.
	Variants Variants `yaml:"variants"`
}

// Source is one origin of source code. Exactly one of Archive, Git, Go,
// Debian and Local is set.
type Source struct {
	Pos     Pos            `yaml:"-"`
	Archive *ArchiveSource `yaml:"archive"`
	Git     *GitSource     `yaml:"git"`
	// Go is module@version.
	Go     string        `yaml:"go"`
	Debian *DebianSource `yaml:"debian"`
	Local  *LocalSource  `yaml:"local"`
	// Into is the folder below /src that the source is laid in, as a clean
	// path; empty is /src itself. At most one source is laid in each folder.
	Into string `yaml:"into"`
}

// ArchiveSource is a tar (gz, xz, bz2, zst) or zip file.
type ArchiveSource struct {
	// URL is where the file is, by https or http and without credentials.
	URL string `yaml:"url" kiln:"required"`
	// Mirrors are tried in order after URL.
	Mirrors []string `yaml:"mirrors"`
	// SHA256 is the digest of the file, as 64 hex digits.
	SHA256 string `yaml:"sha256" kiln:"required"`
	// Strip is how many leading path elements to drop. Nil is 1 where all
	// entries share one top folder, else 0.
	Strip *int `yaml:"strip"`
}

// GitSource is a commit of a git repository.
type GitSource struct {
	// URL is the repository's, by https, http, ssh or git, or user@host:path.
	URL string `yaml:"url" kiln:"required"`
	// Ref is a branch or tag; the lock pins the commit it stood for.
	Ref string `yaml:"ref"`
	// Commit is a full commit id. Where both are set, Ref must stand for it.
	Commit string `yaml:"commit"`
}

// DebianSource is a source package of the Debian archive. In YAML a string is
// its name.
type DebianSource struct {
	// Package is the name of the source package.
	Package string `yaml:"package" kiln:"required"`
	// Suite is the one suite to take it from, such as sid or trixie; empty
	// is the recipe's suite with its updates and security updates.
	Suite string `yaml:"suite"`
	// Version is an exact Debian version; empty is the newest.
	Version string `yaml:"version"`
	// Patches applies Debian's patch series to the upstream tarball.
	Patches bool `yaml:"patches"`
}

// LocalSource is a folder. In YAML a string is its path.
type LocalSource struct {
	// Path is relative to the recipe's folder.
	Path string `yaml:"path" kiln:"required"`
	// Ignore holds .dockerignore patterns of what is not part of the source.
	Ignore []string `yaml:"ignore"`
}

// Build says in which environment, and by which steps, the source becomes
// the files below $DESTDIR that the image takes.
type Build struct {
	// Image is a registry image by digest that serves as the build
	// environment in place of one made from locked packages.
	Image string `yaml:"image"`
	// Toolchain lists what compiles, as name or name@version; in YAML a string
	// is one toolchain.
	Toolchain []string `yaml:"toolchain" kiln:"single"`
	// Native compiles on the platform itself, by an engine that can run it,
	// in place of cross-compiling on linux/amd64.
	Native bool `yaml:"native"`
	// Packages are Debian packages that the build needs besides. Where it
	// cross-compiles, a name stands for what Debian's Build-Depends makes of
	// it: the package of the platform's architecture, or, where it is
	// Multi-Arch: foreign or Architecture: all, the one that the build can
	// run. NAME:native is always that one, NAME:any where it is Multi-Arch:
	// allowed.
	Packages []string `yaml:"packages"`
	// Env are environment variables of all steps.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
	// Steps are carried out in their order, in /src; what they put into
	// $DESTDIR the image takes.
	Steps []Step `yaml:"steps" kiln:"required"`
}

// Image says what the image holds besides the artifacts and how it runs.
type Image struct {
	// Base is static, glibc, cc, python, node, java, java@VERSION, or a
	// registry image by digest.
	Base string `yaml:"base" kiln:"required"`
	// Packages are Debian packages that the closure cannot see a need for.
	Packages []string `yaml:"packages"`
	// User is uid:gid, numeric and not 0. Empty is 65532:65532.
	User string `yaml:"user" kiln:"scalar"`
	// Home is the user's home folder. Empty is /home/nonroot.
	Home string `yaml:"home"`
	// Entrypoint is the program, as an absolute path, and its first arguments.
	Entrypoint []string `yaml:"entrypoint" kiln:"required"`
	// Args follow Entrypoint where whoever runs the image gives none.
	Args []string `yaml:"args"`
	// Env are environment variables of the service; they are no place for
	// secrets.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
	// Workdir is the folder that the service starts in. Empty is /.
	Workdir string `yaml:"workdir"`
	// Ports are port or port/protocol (tcp, udp), as in the OCI image
	// configuration.
	Ports []string `yaml:"ports" kiln:"single,scalar"`
	// Volumes are folders the service writes to; kiln makes them, owned by
	// User.
	Volumes []string `yaml:"volumes"`
	// StopSignal asks the service to end, such as SIGQUIT. Empty is SIGTERM.
	StopSignal string `yaml:"stop-signal"`
	// Labels go into the image's configuration.
	Labels map[string]string `yaml:"labels"`
	// Annotations go into the image's manifest.
	Annotations map[string]string `yaml:"annotations"`
}

// Allow excuses one finding about the finished image.
type Allow struct {
	Pos Pos `yaml:"-"`
	// Rule is the id of the rule that the finding is about.
	Rule string `yaml:"rule" kiln:"required"`
	// Path is the path the finding is about, or a path.Match pattern.
	Path string `yaml:"path"`
	// Reason is why the finding is accepted; it goes into the provenance.
	Reason string `yaml:"reason" kiln:"required"`
}
