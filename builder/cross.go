package builder

import (
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// compilers are the C and C++ compilers of the recipe's toolchain for the
// target.
func (p *Plan) compilers() (cc, cxx string) {
	cc, cxx = p.target.Tool("gcc"), p.target.Tool("g++")
	for _, t := range p.recipe.Build.Toolchain {
		if name, version, versioned := tool(t); name == "gcc" && versioned {
			cc, cxx = cc+"-"+version, cxx+"-"+version
		}
	}
	return cc, cxx
}

// targetEnv tells every step what it builds for. Debian has a tool of binutils
// under $KILN_TRIPLET-NAME whether it is for another architecture or not.
func (p *Plan) targetEnv() [][2]string {
	t := p.target
	return [][2]string{
		{"KILN_ARCH", t.Arch()}, {"KILN_TRIPLET", t.Triplet()}, {"KILN_BUILD_TRIPLET", t.BuildTriplet()},
	}
}

// crossEnv has build systems cross-compile that are not told to on their
// command line: the compilers and binutils that make's own rules and configure
// scripts take from the environment, the build and host types of configure
// scripts of Autoconf (its manual, "Specifying Target Triplets": they keep
// them in build_alias and host_alias), CMake's toolchain file, cargo's target
// and linker, and Go's architecture.
func (p *Plan) crossEnv() [][2]string {
	t := p.target
	if !t.Cross() {
		return nil
	}
	cc, cxx := p.compilers()
	goos, goarch, _ := strings.Cut(t.Platform, "/")
	env := [][2]string{
		{"CC", cc}, {"CXX", cxx}, {"CC_FOR_BUILD", "gcc"}, {"CXX_FOR_BUILD", "g++"},
		{"build_alias", t.BuildTriplet()}, {"host_alias", t.Triplet()},
		{"PKG_CONFIG_LIBDIR", t.PkgConfigPath()},
		{"CMAKE_TOOLCHAIN_FILE", cmakeFile},
		{"GOOS", goos}, {"GOARCH", goarch},
		{"CARGO_BUILD_TARGET", t.RustTarget()},
		{"CARGO_TARGET_" + strings.ToUpper(strings.ReplaceAll(t.RustTarget(), "-", "_")) + "_LINKER", cc},
	}
	for _, name := range []string{"ar", "as", "ld", "nm", "objcopy", "objdump", "ranlib", "readelf"} {
		env = append(env, [2]string{strings.ToUpper(name), t.Tool(name)})
	}
	return env
}

// crossFiles lays the files into the build environment that CMake and Meson
// read.
func (p *Plan) crossFiles() {
	if !p.target.Cross() {
		return
	}
	cc, cxx := p.compilers()
	folder := llb.WithParents(true)
	p.env = p.env.File(llb.
		Mkdir("/usr/local/share/kiln", 0o755, folder).
		Mkfile(cmakeFile, 0o644, []byte(p.target.CMakeToolchain())).
		Mkdir("/usr/local/share/meson/cross", 0o755, folder).
		Mkfile(mesonFile, 0o644, []byte(p.target.MesonCross(cc, cxx))),
		p.platform, llb.WithCustomName("tell CMake and Meson of "+p.target.Platform))
}

// foreign makes dpkg take packages of the target's architecture (dpkg(1),
// --add-architecture). The root that they are installed in is that of native
// builds.
func (p *Plan) foreign(root llb.State) llb.State {
	if !p.target.Cross() {
		return root
	}
	arches := Architecture(p.target.Builder) + "\n" + Architecture(p.target.Platform) + "\n"
	return root.File(llb.Mkfile("/var/lib/dpkg/arch", 0o644, []byte(arches)),
		p.platform, llb.WithCustomName("let dpkg take packages of "+p.target.Arch()))
}
