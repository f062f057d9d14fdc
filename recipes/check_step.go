package recipes

import (
	"maps"
	"slices"
	"strings"
)

func checkStep(c *checker, at string, s Step) {
	c.oneKind(at, "step", s.kindSets())
	if s.Go != nil {
		checkGoStep(c, at+".go", s.Go)
	}
	if s.Make != nil {
		checkMakeStep(c, at+".make", s.Make)
	}
	if s.Autotools != nil {
		checkDir(c, at+".autotools.dir", s.Autotools.Dir)
		checkDir(c, at+".autotools.script", s.Autotools.Script)
		checkBuildEnv(c, at+".autotools.env", s.Autotools.Env)
	}
	if s.CMake != nil {
		checkCMakeStep(c, at+".cmake", s.CMake)
	}
	if s.Meson != nil {
		checkMesonStep(c, at+".meson", s.Meson)
	}
	if s.Cargo != nil {
		checkCargoStep(c, at+".cargo", s.Cargo)
	}
	if s.Npm != nil {
		checkNpmStep(c, at+".npm", s.Npm)
	}
	if s.Python != nil {
		checkPythonStep(c, at+".python", s.Python)
	}
	if s.Java != nil {
		checkJavaStep(c, at+".java", s.Java)
	}
	if s.Run != nil {
		checkRunStep(c, at+".run", s.Run)
	}
	if s.Fetch != nil {
		checkFetchStep(c, at+".fetch", s.Fetch)
	}
}

// checkTools refuses a step whose toolchains the build does not have.
func checkTools(c *checker, at string, s Step, have []string) {
	var missing []string
	for _, tool := range s.Tools() {
		if !hasToolchain(have, tool) {
			missing = append(missing, tool)
		}
	}
	if len(missing) == 0 || c.spoiled("build.toolchain") {
		return
	}
	all := slices.Concat(have, missing)
	list := "[" + strings.Join(all, ", ") + "]"
	if len(all) == 1 {
		list = all[0]
	}
	c.bad(at+"."+s.Kind(), "write `toolchain: "+list+"` in build", "this %s step needs toolchain %s", s.Kind(), strings.Join(missing, " and "))
}

func checkGoStep(c *checker, at string, g *GoStep) {
	checkDir(c, at+".dir", g.Dir)
	checkDir(c, at+".package", g.Package)
	checkPath(c, at+".output", g.Output)
	for i, t := range g.Tags {
		if !buildTag.MatchString(t) {
			c.bad(index(at+".tags", i), "give each tag as an item of its own", "%q is not a build tag", clip(t))
		}
	}
	checkBuildEnv(c, at+".env", g.Env)
}

func checkMakeStep(c *checker, at string, m *MakeStep) {
	checkDir(c, at+".dir", m.Dir)
	for _, n := range slices.Sorted(maps.Keys(m.Vars)) {
		if !makeVarForm.MatchString(n) {
			c.bad(at+".vars."+n, "", "%q cannot be a variable of make", clip(n))
		}
	}
	checkBuildEnv(c, at+".env", m.Env)
}

func checkRunStep(c *checker, at string, r *RunStep) {
	checkCommand(c, at, r.Command, r.Script)
	checkDir(c, at+".dir", r.Dir)
	checkBuildEnv(c, at+".env", r.Env)
}

// checkCommand is for steps that run either a command or a script.
func checkCommand(c *checker, at string, command []string, script string) {
	switch {
	case len(command) > 0 && script != "":
		c.bad(at, "leave out one of them", "%s has both command and script", at)
	case len(command) == 0 && script == "" && !c.spoiled(at):
		c.bad(at, "give a list as command, or a text as script", "%s has neither command nor script", at)
	case len(command) > 0 && command[0] == "":
		c.bad(at+".command[0]", "", "%s.command begins with an empty word", at)
	}
}
