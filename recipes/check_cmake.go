package recipes

import (
	"maps"
	"path"
	"slices"
)

func checkCMakeStep(c *checker, at string, s *CMakeStep) {
	checkConfiguredStep(c, at, s, []string{"Release", "RelWithDebInfo", "MinSizeRel", "Debug", "None"})
}

func checkMesonStep(c *checker, at string, s *MesonStep) {
	checkConfiguredStep(c, at, (*CMakeStep)(s), []string{"release", "debugoptimized", "minsize", "debug", "plain"})
}

// checkConfiguredStep is for steps of CMake and of Meson, which have the same
// fields.
func checkConfiguredStep(c *checker, at string, s *CMakeStep, types []string) {
	checkDir(c, at+".dir", s.Dir)
	checkBuildFolder(c, at+".build", s.Build)
	checkOptions(c, at+".options", s.Options)
	checkOneOf(c, at+".type", "build type", s.Type, types)
	checkWords(c, at+".targets", s.Targets)
	checkWords(c, at+".install", s.Install)
	checkBuildEnv(c, at+".env", s.Env)
}

func checkOptions(c *checker, at string, options map[string]string) {
	for _, n := range slices.Sorted(maps.Keys(options)) {
		if !optionForm.MatchString(n) {
			c.bad(at+"."+n, "write it as NAME: value, without -D", "%q cannot be an option's name", clip(n))
		}
	}
}

// checkBuildFolder is for folders that must not be the source folder itself.
func checkBuildFolder(c *checker, at, dir string) {
	if checkDir(c, at, dir); dir != "" && path.Clean(dir) == "." {
		c.bad(at, "leave it out for kiln-build", "%s is the source folder itself", at)
	}
}

// checkWords is for names that a program would take for an option if they
// began with a dash.
func checkWords(c *checker, at string, list []string) {
	for i, w := range list {
		checkWord(c, index(at, i), w)
	}
}

func checkWord(c *checker, at, w string) {
	if !wordForm.MatchString(w) {
		c.bad(at, "a name has no spaces and commas, and begins with no dash", "%q cannot be a name here", clip(w))
	}
}

// checkOneOf is for fields that have a default, and few values.
func checkOneOf(c *checker, at, noun, value string, all []string) {
	if value != "" && !slices.Contains(all, value) {
		c.bad(at, hint(value, noun+"s", all), "unknown %s %q", noun, clip(value))
	}
}
