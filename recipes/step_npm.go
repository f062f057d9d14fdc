package recipes

// NpmStep installs a Node package and its production dependencies into a
// folder of the image. What package-lock.json names is fetched from the
// registry that npm on this machine uses, and compared with the integrity
// there; install scripts run for none but the named packages. Dependencies that
// are folders, as those of a workspace, are refused. Needs the toolchain node.
//
//	steps:
//	  - npm: {build: build, output: /app, bins: [server]}
type NpmStep struct {
	// Dir is the folder of package.json and package-lock.json, below the
	// source tree.
	Dir string `yaml:"dir"`
	// Build is a script of package.json to run first, with the development
	// dependencies there.
	Build string `yaml:"build"`
	// Scripts are the packages whose install scripts may run.
	Scripts []string `yaml:"scripts"`
	// Output is the folder in the image for the package, as `npm pack` packs
	// it, and its node_modules. Empty is /usr/lib/node_modules/NAME with the
	// recipe's name.
	Output string `yaml:"output"`
	// Bins are programs of the package, or of its dependencies, to link into
	// /usr/bin.
	Bins []string `yaml:"bins"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}

func checkNpmStep(c *checker, at string, s *NpmStep) {
	checkDir(c, at+".dir", s.Dir)
	if s.Build != "" {
		checkWord(c, at+".build", s.Build)
	}
	checkWords(c, at+".scripts", s.Scripts)
	checkPath(c, at+".output", s.Output)
	checkPrograms(c, at+".bins", s.Bins)
	checkBuildEnv(c, at+".env", s.Env)
}

func checkPrograms(c *checker, at string, list []string) {
	for i, b := range list {
		if !programForm.MatchString(b) {
			c.bad(index(at, i), "give the name of a program, without a folder", "%q cannot be a program's name", clip(b))
		}
	}
}
