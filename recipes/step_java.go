package recipes

import "regexp"

// JavaStep puts a jar into the image, after Maven or Gradle has built it where
// goals or tasks are given. They run without network and without the project's
// tests: with what was fetched from the repository that stands for Maven
// Central and all others that the project names, or with the Maven repository
// of Debian's packages. Needs the toolchain java. Maven and Gradle are those of
// the suite: trixie has Gradle 4.4.1, which reads no build.gradle.kts.
//
//	steps:
//	  - java: {maven: [package], jar: target/server.jar, output: /usr/share/java/server.jar}
//	  - java: {gradle: [assemble], jar: build/libs/server.jar, output: /usr/share/java/server.jar, libraries: /usr/share/java/server}
type JavaStep struct {
	// Dir is the folder of pom.xml or build.gradle, below the source tree.
	Dir string `yaml:"dir"`
	// Maven lists Maven's goals and phases to run.
	Maven []string `yaml:"maven"`
	// Gradle lists Gradle's tasks to run. Without Maven and Gradle the jar is
	// in the source tree.
	Gradle []string `yaml:"gradle"`
	// Options are properties, given to Maven as -DNAME=VALUE and to Gradle as
	// -PNAME=VALUE.
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
	// Libraries is the folder in the image for the jars that the jar needs when
	// it runs, named GROUP.NAME-VERSION.jar. Empty is for a jar that holds them
	// itself, or needs none.
	Libraries string `yaml:"libraries"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// Where a java step's dependencies come from.
const (
	RepositoryLocked = "locked"
	RepositoryDebian = "debian"
)

// Builds reports whether the step builds the jar.
func (s *JavaStep) Builds() bool { return len(s.Maven) > 0 || len(s.Gradle) > 0 }

// taskForm is that of a task's name or path
// (https://docs.gradle.org/4.4.1/userguide/tutorial_gradle_command_line.html).
var taskForm = regexp.MustCompile(`^:?[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)*$`)

func checkTasks(c *checker, at string, tasks []string) {
	for i, t := range tasks {
		if !taskForm.MatchString(t) {
			c.bad(index(at, i), "write it as assemble or :server:assemble", "%q is no task", clip(t))
		}
	}
}

func checkJavaStep(c *checker, at string, s *JavaStep) {
	checkDir(c, at+".dir", s.Dir)
	checkDir(c, at+".jar", s.Jar)
	checkPath(c, at+".output", s.Output)
	checkWords(c, at+".maven", s.Maven)
	checkTasks(c, at+".gradle", s.Gradle)
	if len(s.Maven) > 0 && len(s.Gradle) > 0 {
		c.bad(at+".gradle", "leave out one of them", "%s.maven and gradle exclude each other", at)
	}
	checkOptions(c, at+".options", s.Options)
	checkOneOf(c, at+".repository", "origin", s.Repository, []string{RepositoryLocked, RepositoryDebian})
	for _, f := range []struct {
		name  string
		given bool
	}{{"options", len(s.Options) > 0}, {"repository", s.Repository != ""}, {"libraries", s.Libraries != ""}} {
		if f.given && !s.Builds() && !c.spoiled(at+".maven") && !c.spoiled(at+".gradle") {
			c.bad(at+"."+f.name, "give what to build as maven: [package] or gradle: [assemble]", "%s.%s has no use without maven or gradle", at, f.name)
		}
	}
	if s.Libraries != "" {
		checkPath(c, at+".libraries", s.Libraries)
	}
	checkBuildEnv(c, at+".env", s.Env)
}
