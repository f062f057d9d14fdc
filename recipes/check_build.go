package recipes

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

func checkBuild(c *checker, b *Build) {
	if b.Image != "" {
		checkByDigest(c, "build.image", b.Image)
		if len(b.Toolchain) > 0 {
			c.bad("build.toolchain", "leave out one of them", "build.image and build.toolchain exclude each other")
		}
	}
	checkToolchains(c, b.Toolchain)
	checkBuildPackages(c, b.Packages)
	checkBuildEnv(c, "build.env", b.Env)
	for i, s := range b.Steps {
		checkStep(c, index("build.steps", i), s)
		if b.Image == "" {
			checkTools(c, index("build.steps", i), s, b.Toolchain)
		}
	}
}

// checkByDigest is for images of a registry.
func checkByDigest(c *checker, at, ref string) {
	if _, err := name.NewDigest(ref); err == nil && strings.Contains(ref, "@sha256:") {
		return
	}
	h := "write it as NAME@sha256:… with 64 hex digits"
	if !strings.Contains(ref, "@") {
		h = "a tag moves; write it as NAME@sha256:…, as `crane digest " + clip(ref) + "` prints it"
	}
	c.bad(at, h, "%s %q is not an image by digest", at, clip(ref))
}

func checkToolchains(c *checker, list []string) {
	seen := map[string]bool{}
	for i, t := range list {
		at := index("build.toolchain", i)
		tool, version, versioned := strings.Cut(t, "@")
		switch {
		case !slices.Contains(Toolchains(), tool):
			c.bad(at, hint(tool, "toolchains", Toolchains()), "unknown toolchain %q", clip(tool))
		case versioned && !toolForm.MatchString(version):
			c.bad(at, "write it as "+tool+"@1.2, or without a version", "%q is not a toolchain's version", clip(version))
		case seen[sameTool(tool)]:
			c.bad(at, "", "toolchain %s is given twice", tool)
		}
		seen[sameTool(tool)] = true
	}
}

// sameTool is the one name of a toolchain that has two.
func sameTool(tool string) string {
	if tool == "c" {
		return "gcc"
	}
	return tool
}

func hasToolchain(list []string, tool string) bool {
	return slices.ContainsFunc(list, func(t string) bool {
		n, _, _ := strings.Cut(t, "@")
		return sameTool(n) == tool
	})
}

func checkPackages(c *checker, at string, list []string) {
	for i, p := range list {
		checkPackage(c, index(at, i), p)
	}
	checkOnce(c, at, list)
}

func checkOnce(c *checker, at string, list []string) {
	for i, s := range list {
		if s == "" || slices.Contains(list[:i], s) {
			c.bad(index(at, i), "", "%s is empty or given twice", index(at, i))
		}
	}
}

// checkBuildPackages lets a name say which architecture it is for, as Debian's
// Build-Depends do (Debian Policy, section 7.1).
func checkBuildPackages(c *checker, list []string) {
	for i, p := range list {
		at := index("build.packages", i)
		name, qualifier, qualified := strings.Cut(p, ":")
		if qualified && qualifier != "native" && qualifier != "any" {
			c.bad(at, "write "+clip(name)+" for the platform's architecture, "+clip(name)+":native for what the build runs",
				"%q is not an architecture that a package of a build can be asked for", clip(qualifier))
		}
		if qualified && name == "" {
			c.bad(at, "write it as NAME:native", "%s names no package", at)
		}
		checkPackage(c, at, name)
	}
	checkOnce(c, "build.packages", list)
}

// checkDir is for paths below the folder that a step works in.
func checkDir(c *checker, at, dir string) {
	if !isBelow(dir) {
		c.bad(at, "it is relative, without ..", "%s %q leads out of the source folder", at, clip(dir))
	}
}

// checkPath is for paths in the image.
func checkPath(c *checker, at, p string) {
	if p != "" && !isAbsolute(p) {
		c.bad(at, "write it as /usr/bin/NAME, without . and ..", "%s %q is not an absolute, clean path", at, clip(p))
	}
}

func checkEnv(c *checker, at string, env map[string]string) {
	for _, n := range slices.Sorted(maps.Keys(env)) {
		if !envForm.MatchString(n) {
			c.bad(at+"."+n, "use A-Z a-z 0-9 _, not beginning with a digit",
				"%q cannot be an environment variable", clip(n))
		}
	}
}

func checkBuildEnv(c *checker, at string, env map[string]string) {
	checkEnv(c, at, env)
	for _, n := range []string{"DESTDIR", "SOURCE_DATE_EPOCH"} {
		if _, ok := env[n]; ok {
			c.bad(at+"."+n, "leave it out", "%s is set by kiln", n)
		}
	}
}
