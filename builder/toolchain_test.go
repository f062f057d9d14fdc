package builder

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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
		if diff := cmp.Diff(c.env, toolchainEnv(list)); diff != "" {
			t.Errorf("environment of %s (-want +got):\n%s", c.toolchain, diff)
		}
	}
	if _, err := ToolchainPackages("rust"); err == nil {
		t.Error("there are packages for a toolchain that is unknown")
	}
}
