package builder

import (
	_ "embed"
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// MavenSetting is the name of the setting that holds the URL of the repository
// that stands for all that a project names.
const MavenSetting = "KILN_MAVEN"

// mavenDir is Maven's local repository, and for Gradle a repository of the
// same form.
const mavenDir = "/m2"

//go:embed scripts/java-network.sh
var javaNetwork string

// jarScript installs a jar; one that was built gets the times of the image.
const jarScript = `install -D -m 0644 "$1" "$DESTDIR$2"
test "$3" = given || strip-nondeterminism --type jar --timestamp "$SOURCE_DATE_EPOCH" "$DESTDIR$2"`

// javaBuild is how Maven or Gradle is told what to do: once with network, for
// neither knows before what it needs, and once without.
type javaBuild struct {
	tool, goal    string // for progress
	fetch, script []string
}

func (p *Plan) javaStep(s recipes.Step) {
	j := s.Java
	origin := "given"
	if j.Builds() {
		origin = "built"
		b := p.javaBuild(j)
		var opts []llb.RunOption
		if s.Fetches() {
			opts = append(opts, llb.AddMount(mavenDir, p.artifacts(s, b), llb.ForceNoOutput))
		}
		for _, kv := range libraries(j, outDir) {
			opts = append(opts, llb.AddEnv(kv[0], kv[1]))
		}
		p.run(s, j.Dir, j.Env, b.script, b.tool+" "+b.goal, opts...)
	}
	p.run(s, j.Dir, j.Env, shell(jarScript, "jar", j.Jar, j.Output, origin), "install "+path.Base(j.Output))
}

func (p *Plan) javaBuild(j *recipes.JavaStep) javaBuild {
	if len(j.Gradle) > 0 {
		return gradleBuild(j)
	}
	return p.mavenBuild(j)
}

// libraries tells where the jars go that the step's jar needs.
func libraries(j *recipes.JavaStep, root string) [][2]string {
	if j.Libraries == "" {
		return nil
	}
	return [][2]string{{"KILN_LIBRARIES", root + j.Libraries}, {"KILN_JAR", path.Join(srcDir, j.Dir, j.Jar)}}
}

// artifacts fetches what Maven or Gradle needs.
func (p *Plan) artifacts(s recipes.Step, b javaBuild) llb.State {
	return p.fetch(s, fetch{
		title: "fetch Maven artifacts", dir: s.Java.Dir, out: mavenDir,
		files:   []string{path.Join(s.Java.Dir, "**")},
		args:    b.fetch,
		env:     append(sorted(s.Java.Env), libraries(s.Java, "/tmp")...),
		secrets: []string{MavenSetting},
	})
}
