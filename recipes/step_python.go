package recipes

// PythonStep installs a Python project, and the wheels that it needs, into a
// folder of the image that holds nothing but these. Requirements have the
// digest of each wheel, as `pip-compile --generate-hashes` and `uv export`
// write them; what is not vendored is fetched from the index that pip on this
// machine uses. Needs the toolchain python.
//
//	steps:
//	  - python: {project: ., requirements: requirements.txt, bins: [server]}
type PythonStep struct {
	// Dir is the folder to work in, below the source tree.
	Dir string `yaml:"dir"`
	// Project is the folder of pyproject.toml or setup.py, or a wheel, below
	// Dir. Empty is none. What builds it (setuptools is there) comes from
	// build.packages.
	Project string `yaml:"project"`
	// Requirements is a file of requirements with digests, below Dir. Empty
	// is none.
	Requirements string `yaml:"requirements"`
	// Wheels is a folder with the wheels that requirements name, below Dir.
	// Empty is none, and they are fetched.
	Wheels string `yaml:"wheels"`
	// Output is the folder in the image. Empty is /usr/lib/NAME with the
	// recipe's name.
	Output string `yaml:"output"`
	// Bins are programs of the installed packages to link into /usr/bin.
	Bins []string `yaml:"bins"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}

func checkPythonStep(c *checker, at string, s *PythonStep) {
	checkDir(c, at+".dir", s.Dir)
	checkDir(c, at+".project", s.Project)
	checkDir(c, at+".requirements", s.Requirements)
	checkDir(c, at+".wheels", s.Wheels)
	switch {
	case s.Project == "" && s.Requirements == "" && !c.spoiled(at):
		c.bad(at, "give the folder of pyproject.toml as project, or a file of requirements", "%s has neither project nor requirements", at)
	case s.Wheels != "" && s.Requirements == "":
		c.bad(at+".wheels", "give the file that names them as requirements", "%s.wheels has no use without requirements", at)
	}
	checkPath(c, at+".output", s.Output)
	checkPrograms(c, at+".bins", s.Bins)
	checkBuildEnv(c, at+".env", s.Env)
}
