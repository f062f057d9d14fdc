package recipes

// JavaStep puts a jar into the image, after Maven has built it where goals
// are given. Maven runs without network: with what was fetched from the
// repository that it uses on this machine in place of Maven Central, or with
// the Maven repository of Debian's packages. Needs the toolchain java.
//
//	steps:
//	  - java: {maven: [package], jar: target/server.jar, output: /usr/share/java/server.jar}
type JavaStep struct {
	// Dir is the folder of pom.xml, below the source tree.
	Dir string `yaml:"dir"`
	// Maven lists the goals and phases to run, without the project's tests.
	// Empty is none: the jar is in the source tree.
	Maven []string `yaml:"maven"`
	// Options are properties, given as -DNAME=VALUE.
	Options map[string]string `yaml:"options" kiln:"scalar,shell"`
	// Repository says where dependencies and plugins come from: locked, which
	// is the default, are fetched as the build asks for them, and pinned by
	// digest in the lock; debian are those of build.packages, in Debian's
	// versions ("debian" is a version that always is there).
	Repository string `yaml:"repository"`
	// Jar is the jar, below Dir.
	Jar string `yaml:"jar" kiln:"required"`
	// Output is the jar's path in the image.
	Output string `yaml:"output" kiln:"required"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// Where a java step's dependencies come from.
const (
	RepositoryLocked = "locked"
	RepositoryDebian = "debian"
)

func checkJavaStep(c *checker, at string, s *JavaStep) {
	checkDir(c, at+".dir", s.Dir)
	checkDir(c, at+".jar", s.Jar)
	checkPath(c, at+".output", s.Output)
	checkWords(c, at+".maven", s.Maven)
	checkOptions(c, at+".options", s.Options)
	checkOneOf(c, at+".repository", "origin", s.Repository, []string{RepositoryLocked, RepositoryDebian})
	for _, f := range []struct {
		name  string
		given bool
	}{{"options", len(s.Options) > 0}, {"repository", s.Repository != ""}} {
		if f.given && len(s.Maven) == 0 && !c.spoiled(at+".maven") {
			c.bad(at+"."+f.name, "give the goals as maven: [package]", "%s.%s has no use without maven", at, f.name)
		}
	}
	checkBuildEnv(c, at+".env", s.Env)
}
