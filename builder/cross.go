package builder

import (
	"regexp"
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

// crossSeeds are the packages of toolchains, of which each runs during the
// build, as a cross environment needs them: compilers that make what the
// target runs, and the target's own libraries to link with, those that the
// compiler itself brings among them. The archiver of binutils takes object
// files of any architecture, so makefiles that call it ar may.
func crossSeeds(seeds []string, t Target) []string {
	if !t.Cross() {
		return seeds
	}
	var out []string
	for _, seed := range seeds {
		name, version := splitSeed(seed)
		of := func(library string) string { return library + ":" + t.Arch() }
		switch {
		case crossCompiler.MatchString(name):
			out = append(out, name+"-"+t.Triplet()+version)
		case name == "libc6-dev":
			out = append(out, of(name), of("libgcc-s1"), of("libstdc++6"), of("libatomic1"), of("libgomp1"), "binutils")
		case name == "rustc":
			// rustc links with the C compiler, which the native one depends on.
			out = append(out, seed, of("libstd-rust-dev")+version, "gcc-"+t.Triplet(), of("libc6-dev"), of("libgcc-s1"))
		default:
			out = append(out, seed)
		}
	}
	return out
}

// splitSeed takes the version, suite or architecture off a package's name.
func splitSeed(seed string) (name, rest string) {
	if i := strings.IndexAny(seed, ":/="); i >= 0 {
		return seed[:i], seed[i:]
	}
	return seed, ""
}

// crossCompiler are the packages that Debian has for other architectures as
// NAME-TRIPLET.
var crossCompiler = regexp.MustCompile(`^(gcc|g\+\+|gfortran|gnat)(-[0-9]+)?$`)

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
