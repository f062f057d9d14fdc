package builder

import (
	"fmt"
	"slices"
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/kiln-build/kiln/recipes"
)

// toolchain is what a name of build.toolchain stands for: Debian packages.
type toolchain struct {
	// lead is the package of the compiler or interpreter, whose version is
	// the toolchain's.
	lead string
	// versioned is its name where several versions of it are packages of
	// different names; %s is the version.
	versioned string
	// follows are packages of the same source as lead, and taken from the
	// same suite; with is what steps need besides.
	follows, with []string
}

func toolchainOf(name string) (toolchain, bool) {
	t, ok := map[string]toolchain{
		"go":     {lead: "golang-go", versioned: "golang-%s-go"},
		"cmake":  {lead: "cmake", with: []string{"ninja-build", "pkgconf"}},
		"meson":  {lead: "meson", with: []string{"ninja-build", "pkgconf"}},
		"rust":   {lead: "rustc", follows: []string{"cargo"}, with: []string{"pkgconf"}},
		"node":   {lead: "nodejs", with: []string{"npm"}},
		"python": {lead: "python3", with: []string{"python3-pip", "python3-setuptools", "python3-wheel"}},
		"java":   {lead: "default-jdk-headless", versioned: "openjdk-%s-jdk-headless", with: []string{"strip-nondeterminism"}},
		"gcc":    {lead: "gcc", versioned: "gcc-%s", with: []string{"g++", "libc6-dev", "make"}},
	}[name]
	return t, ok
}

// ToolchainPackages are the names of the Debian packages that a toolchain
// stands for, the compiler first. It is name@version, or a name alone for the
// suite's default version.
func ToolchainPackages(text string) ([]string, error) {
	name, version, versioned := tool(text)
	t, ok := toolchainOf(name)
	if !ok {
		return nil, fmt.Errorf("there is no toolchain %q", text)
	}
	packages := slices.Concat([]string{t.lead}, t.follows, t.with)
	if versioned && t.versioned != "" {
		packages[0] = fmt.Sprintf(t.versioned, version)
	}
	if i := slices.Index(packages, "g++"); i > 0 && versioned {
		packages[i] += "-" + version
	}
	return packages, nil
}

// tool takes a toolchain apart; "c" is gcc.
func tool(toolchain string) (name, version string, versioned bool) {
	name, version, versioned = strings.Cut(toolchain, "@")
	if name == "c" {
		name = "gcc"
	}
	return name, version, versioned
}

// BuildPackages are the names of the packages that a recipe's build
// environment for a platform is made of, besides the essential ones and what
// they all depend on.
func BuildPackages(r *recipes.Recipe, platform string) ([]string, error) {
	target, err := newTarget(platform, r.Builder(platform))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range r.Build.Toolchain {
		pkgs, err := ToolchainPackages(t)
		if err != nil {
			return nil, err
		}
		names = append(names, pkgs...)
	}
	names = append(crossSeeds(append(names, extraPackages(r)...), target), r.Build.Packages...)
	for i, seed := range names {
		names[i], _ = splitSeed(seed)
	}
	return names, nil
}

// extraPackages are those that sources and steps need besides their
// toolchains and what the recipe names.
func extraPackages(r *recipes.Recipe) []string {
	var names []string
	for _, s := range r.Sources {
		if s.Debian != nil && s.Debian.Patches {
			names = append(names, "patch")
			break
		}
	}
	for _, s := range r.Build.Steps {
		names = append(names, stepPackages(s)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// stepPackages are what a step needs besides its toolchains. What decides
// about them is an input of the lock: see [recipes.Inputs].
func stepPackages(s recipes.Step) []string {
	switch {
	case s.Cargo != nil && s.Cargo.Crates == recipes.CratesLocked:
		return []string{auditPackage, "curl"}
	case s.Cargo != nil:
		return []string{auditPackage}
	}
	if s.Java != nil {
		return javaPackages(s.Java)
	}
	return nil
}

func javaPackages(j *recipes.JavaStep) []string {
	switch {
	case len(j.Gradle) > 0:
		return []string{"gradle"}
	case len(j.Maven) == 0:
		return nil
	case j.Repository != recipes.RepositoryDebian:
		return []string{"maven"}
	}
	// What Maven's lifecycle for jars runs.
	packages := []string{
		"maven", "libmaven-resources-plugin-java", "libmaven-compiler-plugin-java", "libsurefire-java", "libmaven-jar-plugin-java",
	}
	if j.Libraries != "" {
		packages = append(packages, "libmaven-dependency-plugin-java")
	}
	return packages
}

// toolchainPath is what goes before the usual PATH, ending in a colon.
func toolchainPath(toolchains []string) string {
	var b strings.Builder
	for _, t := range toolchains {
		if name, version, versioned := tool(t); name == "go" && versioned {
			b.WriteString("/usr/lib/go-" + version + "/bin:")
		}
	}
	return b.String()
}

// toolchainEnv has build systems find the compilers of the asked versions.
func toolchainEnv(toolchains []string, arch string) [][2]string {
	var env [][2]string
	for _, t := range toolchains {
		switch name, version, versioned := tool(t); {
		case name == "gcc" && versioned:
			env = append(env, [2]string{"CC", "gcc-" + version}, [2]string{"CXX", "g++-" + version})
		case name == "java" && versioned:
			env = append(env, [2]string{"JAVA_HOME", "/usr/lib/jvm/java-" + version + "-openjdk-" + arch})
		}
	}
	return env
}

func ocispec(goos, arch string) ocispecs.Platform {
	return ocispecs.Platform{OS: goos, Architecture: arch}
}
