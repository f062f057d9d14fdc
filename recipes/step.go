package recipes

// Step is one step of a build. Exactly one of Go, Make, Autotools and Run is
// set.
type Step struct {
	Pos       Pos            `yaml:"-"`
	Go        *GoStep        `yaml:"go"`
	Make      *MakeStep      `yaml:"make"`
	Autotools *AutotoolsStep `yaml:"autotools"`
	Run       *RunStep       `yaml:"run"`
}

// GoStep compiles one main package of a Go module.
type GoStep struct {
	// Package is the main package, relative to Dir: "." or "./…". Empty is
	// ".".
	Package string `yaml:"package"`
	// Output is the absolute path of the program in the image.
	Output  string   `yaml:"output" kiln:"required"`
	Dir     string   `yaml:"dir"`
	Tags    []string `yaml:"tags"`
	Ldflags string   `yaml:"ldflags" kiln:"shell"`
	// Cgo compiles with cgo; the default is a static program without it.
	Cgo bool `yaml:"cgo"`
	// Trimpath drops file system paths from the program. Nil is true.
	Trimpath *bool             `yaml:"trimpath"`
	Env      map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// MakeStep runs make for Targets, and then for Install with DESTDIR set.
type MakeStep struct {
	Dir     string   `yaml:"dir"`
	Targets []string `yaml:"targets"`
	// Vars are given on make's command line as NAME=value.
	Vars map[string]string `yaml:"vars" kiln:"scalar,shell"`
	// Install lists the targets that install; nil is [install], empty none.
	Install []string          `yaml:"install"`
	Env     map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// AutotoolsStep runs configure, make and make install.
type AutotoolsStep struct {
	Dir string `yaml:"dir"`
	// Configure are further arguments of ./configure.
	Configure []string `yaml:"configure" kiln:"shell"`
	// Script is the configure script, relative to Dir. Empty is "configure".
	Script  string            `yaml:"script"`
	Targets []string          `yaml:"targets"`
	Install []string          `yaml:"install"`
	Env     map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// RunStep runs a command, or a script by /bin/sh -eu. In YAML a list is a
// command, a string a script, and a mapping has these fields.
type RunStep struct {
	Command []string          `yaml:"command" kiln:"shell"`
	Script  string            `yaml:"script" kiln:"shell"`
	Dir     string            `yaml:"dir"`
	Env     map[string]string `yaml:"env" kiln:"scalar,shell"`
}
