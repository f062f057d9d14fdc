package builder

import (
	"fmt"
	"strings"
)

// Target is what a build is for, and what it runs on. Both are platforms as
// os/arch. Where they differ the build cross-compiles, in the words of GNU,
// Debian and Meson from the build machine (Builder) for the host (Platform).
type Target struct {
	Platform, Builder string
}

// machine is what the tools of a build call a processor.
type machine struct {
	// triplet is Debian's multiarch tuple and GNU's for compilers
	// (https://wiki.debian.org/Multiarch/Tuples).
	triplet string
	// kernel is what uname -m says; CMake calls processors so, and Meson
	// their families.
	kernel string
	// rust is the target of rustc (https://doc.rust-lang.org/rustc/platform-support.html).
	rust string
}

func machineOf(platform string) (machine, bool) {
	m, ok := map[string]machine{
		"linux/amd64": {"x86_64-linux-gnu", "x86_64", "x86_64-unknown-linux-gnu"},
		"linux/arm64": {"aarch64-linux-gnu", "aarch64", "aarch64-unknown-linux-gnu"},
	}[platform]
	return m, ok
}

// newTarget refuses platforms that it knows no names for.
func newTarget(platform, builder string) (Target, error) {
	for _, p := range []string{platform, builder} {
		if _, ok := machineOf(p); !ok {
			return Target{}, fmt.Errorf("there are no tools for the platform %s", p)
		}
	}
	return Target{Platform: platform, Builder: builder}, nil
}

func (t Target) host() machine {
	m, _ := machineOf(t.Platform) // looked up when the target was made
	return m
}

func (t Target) build() machine {
	m, _ := machineOf(t.Builder)
	return m
}

// Cross reports whether what is built cannot be relied upon to run during the
// build.
func (t Target) Cross() bool { return t.Platform != t.Builder }

// Arch is Go's and Debian's name of the architecture that is built for: amd64.
func (t Target) Arch() string { return Architecture(t.Platform) }

// Triplet is GNU's name of what is built for: x86_64-linux-gnu.
func (t Target) Triplet() string { return t.host().triplet }

// BuildTriplet is GNU's name of what the build runs on.
func (t Target) BuildTriplet() string { return t.build().triplet }

// RustTarget is rustc's name of what is built for: x86_64-unknown-linux-gnu.
func (t Target) RustTarget() string { return t.host().rust }

// Tool is the name of a tool of GNU for the target, as "strip" or "gcc".
func (t Target) Tool(name string) string {
	if t.Cross() {
		return t.Triplet() + "-" + name
	}
	return name
}

// Where a cross environment has the files that CMake and Meson read; Meson
// finds its own by name (Meson manual, "Cross file locations").
const (
	cmakeFile  = "/usr/local/share/kiln/toolchain.cmake"
	mesonFile  = "/usr/local/share/meson/cross/" + mesonCross
	mesonCross = "kiln"
)

// CMakeToolchain is a toolchain file for CMake (cmake-toolchains(7)). It takes
// the compilers from CC and CXX.
func (t Target) CMakeToolchain() string {
	lines := []string{
		"set(CMAKE_SYSTEM_NAME Linux)",
		"set(CMAKE_SYSTEM_PROCESSOR " + t.host().kernel + ")",
		"set(CMAKE_C_COMPILER $ENV{CC})",
		"set(CMAKE_CXX_COMPILER $ENV{CXX})",
		"set(CMAKE_LIBRARY_ARCHITECTURE " + t.Triplet() + ")",
	}
	for _, tool := range []string{"ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf"} {
		lines = append(lines, fmt.Sprintf("set(CMAKE_%s %s)", strings.ToUpper(tool), t.Tool(tool)))
	}
	return strings.Join(lines, "\n") + "\n"
}

// MesonCross is a cross file for Meson ("Cross compilation" in its manual),
// for the compilers of these names.
func (t Target) MesonCross(cc, cxx string) string {
	var b strings.Builder
	b.WriteString("[binaries]\n")
	entry := func(name, value string) { fmt.Fprintf(&b, "%s = '%s'\n", name, value) }
	entry("c", cc)
	entry("cpp", cxx)
	for _, tool := range []string{"ar", "strip", "objcopy", "ld"} {
		entry(tool, t.Tool(tool))
	}
	entry("pkg-config", "pkg-config")
	b.WriteString("\n[properties]\n")
	entry("pkg_config_libdir", t.PkgConfigPath())
	b.WriteString("needs_exe_wrapper = true\n\n[host_machine]\n")
	entry("system", "linux")
	entry("cpu_family", t.host().kernel)
	entry("cpu", t.host().kernel)
	entry("endian", "little")
	return b.String()
}

// PkgConfigPath are the folders in which pkg-config finds the libraries of the
// target alone.
func (t Target) PkgConfigPath() string {
	return "/usr/lib/" + t.Triplet() + "/pkgconfig:/usr/share/pkgconfig"
}
