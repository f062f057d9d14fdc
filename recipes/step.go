package recipes

// Step is one step of a build. Exactly one of its kinds is set.
//
// A step but fetch runs without network in /src, where the sources are laid out, and
// installs below $DESTDIR, of which the image takes everything. The doc
// comments of the kinds are what `kiln explain step` prints; each ends in an
// example.
type Step struct {
	Pos Pos `yaml:"-"`
	// Go compiles a main package of a Go module.
	Go *GoStep `yaml:"go"`
	// Make runs make.
	Make *MakeStep `yaml:"make"`
	// Autotools runs configure, make and make install.
	Autotools *AutotoolsStep `yaml:"autotools"`
	// CMake configures, builds and installs by cmake.
	CMake *CMakeStep `yaml:"cmake"`
	// Meson configures, builds and installs by meson.
	Meson *MesonStep `yaml:"meson"`
	// Cargo compiles the programs of a Rust package.
	Cargo *CargoStep `yaml:"cargo"`
	// Npm installs a Node package with its dependencies.
	Npm *NpmStep `yaml:"npm"`
	// Python installs a Python project and wheels.
	Python *PythonStep `yaml:"python"`
	// Java builds a jar, or takes one that is there.
	Java *JavaStep `yaml:"java"`
	// Run runs a command or a shell script.
	Run *RunStep `yaml:"run"`
	// Fetch runs a command or a shell script with network.
	Fetch *FetchStep `yaml:"fetch"`
}

// GoStep compiles one main package of a Go module. Modules that the source
// does not vendor are fetched before, as go.sum has them. Without cgo the
// program is static and runs on every base. Needs the toolchain go.
//
//	steps:
//	  - go: {package: ./cmd/server, output: /usr/bin/server, ldflags: "-s -w"}
type GoStep struct {
	// Package is the main package, relative to Dir: "." or "./…"; or the
	// import path of one in a module that the module requires, as a tool.
	// Empty is ".".
	Package string `yaml:"package"`
	// Output is the absolute path of the program in the image.
	Output string `yaml:"output" kiln:"required"`
	// Dir is the folder of the module, below the source tree.
	Dir string `yaml:"dir"`
	// Tags are build tags.
	Tags []string `yaml:"tags"`
	// Ldflags are flags for the linker, as for `go build -ldflags`.
	Ldflags string `yaml:"ldflags" kiln:"shell"`
	// Cgo compiles with cgo; the default is a static program without it.
	// Needs the toolchain gcc.
	Cgo bool `yaml:"cgo"`
	// Pie makes a position-independent program. Nil is what Cgo says: without
	// cgo the program would need the C library's loader. True without cgo has
	// the C linker make a static one that needs no loader; that needs the
	// toolchain gcc.
	Pie *bool `yaml:"pie"`
	// Trimpath drops file system paths from the program. Nil is true.
	Trimpath *bool `yaml:"trimpath"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// MakeStep runs make for Targets, and then for Install with DESTDIR set.
//
//	steps:
//	  - make: {targets: [all], vars: {PREFIX: /usr}}
type MakeStep struct {
	// Dir is the folder of the makefile, below the source tree.
	Dir string `yaml:"dir"`
	// Targets are what to make first; empty is the makefile's default.
	Targets []string `yaml:"targets"`
	// Vars are given on make's command line as NAME=value.
	Vars map[string]string `yaml:"vars" kiln:"scalar,shell"`
	// Install lists the targets that install; nil is [install], empty none.
	Install []string `yaml:"install"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// AutotoolsStep runs configure, make and make install.
//
//	steps:
//	  - autotools: {configure: [--prefix=/usr, --disable-nls]}
type AutotoolsStep struct {
	// Dir is the folder of the project, below the source tree.
	Dir string `yaml:"dir"`
	// Configure are arguments of ./configure, such as --prefix=/usr: without it
	// most install below /usr/local.
	Configure []string `yaml:"configure" kiln:"shell"`
	// Script is the configure script, relative to Dir. Empty is "configure".
	Script string `yaml:"script"`
	// Targets are what to make; empty is the makefile's default.
	Targets []string `yaml:"targets"`
	// Install lists the targets that install; nil is [install], empty none.
	Install []string `yaml:"install"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// RunStep runs a command, or a script by /bin/sh -eu. In YAML a list is a
// command, a string a script, and a mapping has these fields. It alone may
// change the build environment for the steps after it.
//
//	steps:
//	  - run: [strip, /out/usr/bin/server]
type RunStep struct {
	// Command is a program and its arguments.
	Command []string `yaml:"command" kiln:"shell"`
	// Script is the text of a shell script.
	Script string `yaml:"script" kiln:"shell"`
	// Dir is the folder to run in, below the source tree.
	Dir string `yaml:"dir"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// FetchStep runs a command, or a script by /bin/sh -eu, with the network, and
// lays what it leaves in one folder out for the steps after it. Each file that
// it asks for is in the lock by URL and digest.
//
//	steps:
//	  - fetch: {command: [curl, -fo, data/zones.tgz, "https://example.org/zones.tgz"], into: data}
type FetchStep struct {
	// Command is a program and its arguments.
	Command []string `yaml:"command" kiln:"shell"`
	// Script is the text of a shell script.
	Script string `yaml:"script" kiln:"shell"`
	// Into is the folder below /src that the command fills, and the only one
	// that is kept.
	Into string `yaml:"into" kiln:"required"`
	// Files are patterns, as in .dockerignore, of what the command sees of
	// the source tree. Only a change of these makes it run again.
	Files []string `yaml:"files" kiln:"single"`
	// Dir is the folder to run in, below the source tree.
	Dir string `yaml:"dir"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}
