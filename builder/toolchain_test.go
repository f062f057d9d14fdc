package builder

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

func TestToolchain(t *testing.T) {
	for _, c := range []struct {
		toolchain string
		packages  []string
		path      string
		env       [][2]string
	}{
		{"go", []string{"golang-go"}, "", nil},
		{"go@1.27", []string{"golang-1.27-go"}, "/usr/lib/go-1.27/bin:", nil},
		{"c", []string{"gcc", "g++", "libc6-dev", "make"}, "", nil},
		{"gcc", []string{"gcc", "g++", "libc6-dev", "make"}, "", nil},
		{"gcc@14", []string{"gcc-14", "g++-14", "libc6-dev", "make"}, "", [][2]string{{"CC", "gcc-14"}, {"CXX", "g++-14"}}},
		{"c@13", []string{"gcc-13", "g++-13", "libc6-dev", "make"}, "", [][2]string{{"CC", "gcc-13"}, {"CXX", "g++-13"}}},
		{"rust@1.85", []string{"rustc", "cargo", "pkgconf"}, "", nil},
		{"node", []string{"nodejs", "npm"}, "", nil},
		{"python@3.13", []string{"python3", "python3-pip", "python3-setuptools", "python3-wheel"}, "", nil},
		{"java@21", []string{"openjdk-21-jdk-headless", "strip-nondeterminism"}, "", [][2]string{{"JAVA_HOME", "/usr/lib/jvm/java-21-openjdk-amd64"}}},
		{"java", []string{"default-jdk-headless", "strip-nondeterminism"}, "", nil},
		{"meson@1.7", []string{"meson", "ninja-build", "pkgconf"}, "", nil},
	} {
		packages, err := ToolchainPackages(c.toolchain)
		check(t, err)
		list := []string{c.toolchain}
		if diff := cmp.Diff(c.packages, packages); diff != "" {
			t.Errorf("packages of %s (-want +got):\n%s", c.toolchain, diff)
		}
		if got := toolchainPath(list); got != c.path {
			t.Errorf("PATH of %s begins with %q, want %q", c.toolchain, got, c.path)
		}
		if diff := cmp.Diff(c.env, toolchainEnv(list, "amd64")); diff != "" {
			t.Errorf("environment of %s (-want +got):\n%s", c.toolchain, diff)
		}
	}
	if _, err := ToolchainPackages("cobol"); err == nil {
		t.Error("there are packages for a toolchain that is unknown")
	}
}

func TestToolchainIsKnown(t *testing.T) {
	for _, name := range recipes.Toolchains() {
		if _, err := ToolchainPackages(name); err != nil {
			t.Errorf("recipes may name it, but %v", err)
		}
	}
}

func TestVersionOfToolchain(t *testing.T) {
	for _, c := range []struct {
		debian, asked string
		want          bool
	}{
		{"1.85.1+dfsg1-1+deb13u1", "1.85", true},
		{"1.85.1+dfsg1-1+deb13u1", "1.85.1", true},
		{"1.85.1+dfsg1-1", "1.8", false},
		{"1.85.1+dfsg1-1", "1.85.1.1", false},
		{"20.19.2+dfsg-1", "20", true},
		{"20.19.2+dfsg-1", "2", false},
		{"2:1.21-76", "1.21", true},
		{"3.13.5-1", "3.13.5", true},
		{"3.13.5-1", "3.1", false},
		{"4.3.4-1~bpo13+1", "4.3.4", true},
		{"4.3~rc1-1", "4.3", true},
	} {
		if got := isVersion(c.debian, c.asked); got != c.want {
			t.Errorf("isVersion(%q, %q) = %v, want %v", c.debian, c.asked, got, c.want)
		}
	}
	if got := series("2:1.85.1+dfsg1-1"); got != "1.85" {
		t.Errorf("series is %q, want 1.85", got)
	}
}
