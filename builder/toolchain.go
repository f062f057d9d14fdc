package builder

import (
	"fmt"
	"strconv"
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
)

// ToolchainPackages are the Debian packages that a toolchain stands for, the
// compiler first. It is name@version, or a name alone for the suite's default
// version.
func ToolchainPackages(toolchain string) ([]string, error) {
	switch name, version, versioned := tool(toolchain); {
	case name == "go" && versioned:
		return []string{"golang-" + version + "-go"}, nil
	case name == "go":
		return []string{"golang-go"}, nil
	case name == "gcc" && versioned:
		return []string{"gcc-" + version, "g++-" + version, "libc6-dev", "make"}, nil
	case name == "gcc":
		return []string{"gcc", "g++", "libc6-dev", "make"}, nil
	}
	return nil, fmt.Errorf("there is no toolchain %q", toolchain)
}

// tool takes a toolchain apart; "c" is gcc.
func tool(toolchain string) (name, version string, versioned bool) {
	name, version, versioned = strings.Cut(toolchain, "@")
	if name == "c" {
		name = "gcc"
	}
	return name, version, versioned
}

// toolchains are the toolchains of the same name that the index has.
func toolchains(toolchain string, index *archive.Index) []string {
	name, _, _ := tool(toolchain)
	var found []string
	for n := range 50 {
		version := strconv.Itoa(n)
		if name == "go" {
			version = "1." + version
		}
		pkgs, err := ToolchainPackages(name + "@" + version)
		if err != nil {
			continue
		}
		if _, ok := index.Lookup(pkgs[0]); ok {
			found = append(found, name+"@"+version)
		}
	}
	return found
}

// BuildPackages are the packages that a recipe's build environment is made
// of, besides the essential ones and what they all depend on.
func BuildPackages(r *recipes.Recipe) ([]string, error) {
	var names []string
	for _, t := range r.Build.Toolchain {
		pkgs, err := ToolchainPackages(t)
		if err != nil {
			return nil, err
		}
		names = append(names, pkgs...)
	}
	for _, s := range r.Sources {
		if s.Debian != nil && s.Debian.Patches {
			names = append(names, "patch")
			break
		}
	}
	return append(names, r.Build.Packages...), nil
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

func toolchainEnv(toolchains []string) [][2]string {
	var env [][2]string
	for _, t := range toolchains {
		if name, version, versioned := tool(t); name == "gcc" && versioned {
			env = append(env, [2]string{"CC", "gcc-" + version}, [2]string{"CXX", "g++-" + version})
		}
	}
	return env
}

func ocispec(goos, arch string) ocispecs.Platform {
	return ocispecs.Platform{OS: goos, Architecture: arch}
}
