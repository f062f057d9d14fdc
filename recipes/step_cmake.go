package recipes

// CMakeStep configures a project with CMake's Ninja generator in a folder of
// its own, builds and installs it below /usr. Compilers get kiln's hardening
// flags; what the source tree lacks is not downloaded. Needs the toolchains
// gcc and cmake.
//
//	steps:
//	  - cmake: {options: {WITH_TLS: "ON", BUILD_TESTING: "OFF"}}
type CMakeStep struct {
	// Dir is the folder of CMakeLists.txt, below the source tree.
	Dir string `yaml:"dir"`
	// Options are cache entries, given as -DNAME=VALUE; a name may end in a
	// type, as NAME:BOOL.
	Options map[string]string `yaml:"options" kiln:"scalar,shell"`
	// Type is CMAKE_BUILD_TYPE. Empty is Release.
	Type string `yaml:"type"`
	// Targets are what to build; empty is all.
	Targets []string `yaml:"targets"`
	// Install lists the components to install; nil is everything, empty
	// nothing.
	Install []string `yaml:"install"`
	// Build is the folder for build files, below Dir, where later steps find
	// them. Empty is kiln-build.
	Build string `yaml:"build"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// MesonStep configures a project with Meson in a folder of its own, builds and
// installs it below /usr. Compilers get kiln's hardening flags; wraps are not
// downloaded. Needs the toolchains gcc and meson.
//
//	steps:
//	  - meson: {options: {tests: "false", default_library: static}}
type MesonStep struct {
	// Dir is the folder of meson.build, below the source tree.
	Dir string `yaml:"dir"`
	// Options are the project's and Meson's own, given as -DNAME=VALUE.
	Options map[string]string `yaml:"options" kiln:"scalar,shell"`
	// Type is Meson's buildtype. Empty is release.
	Type string `yaml:"type"`
	// Targets are what to build; empty is all.
	Targets []string `yaml:"targets"`
	// Install lists the install tags to install, such as runtime; nil is
	// everything, empty nothing.
	Install []string `yaml:"install"`
	// Build is the folder for build files, below Dir, where later steps find
	// them. Empty is kiln-build.
	Build string `yaml:"build"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}
