package builder

import (
	_ "embed"
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// mavenDir is Maven's local repository.
const mavenDir = "/m2"

// MavenSetting is the name of the setting that holds the URL of the repository
// that stands for all that a project names.
const MavenSetting = "KILN_MAVEN"

//go:embed scripts/java-network.sh
var javaNetwork string

// mavenFetchScript builds with network and keeps what that needed: Maven does
// not know before. Its list of where each file came from goes, so that it asks
// nobody for them again.
const mavenFetchScript = `MAVEN_OPTS="$network ${MAVEN_OPTS-}" mvn -B -q -s /tmp/settings.xml -Dmaven.repo.local=` + mavenDir + ` "$@"
find ` + mavenDir + ` \( -name _remote.repositories -o -name '*.lastUpdated' -o -name resolver-status.properties \) -delete`

// mavenScript gives Maven a local repository that it may write to.
const mavenScript = `repository=` + mavenDir + `
if [ "$1" = debian ]; then repository=/tmp/m2; cp -rs /usr/share/maven-repo "$repository"; fi
shift
exec mvn -o -B -q -Dmaven.repo.local="$repository" "$@"`

// jarScript installs a jar; one that Maven built gets the times of the image.
const jarScript = `install -D -m 0644 "$1" "$DESTDIR$2"
test "$3" = given || strip-nondeterminism --type jar --timestamp "$SOURCE_DATE_EPOCH" "$DESTDIR$2"`

func (p *Plan) javaStep(s recipes.Step) {
	j := s.Java
	origin := "given"
	if len(j.Maven) > 0 {
		origin = "built"
		var mounts []llb.RunOption
		if s.Fetches() {
			mounts = append(mounts, llb.AddMount(mavenDir, p.artifacts(s), llb.ForceNoOutput))
		}
		args := append(shell(mavenScript, "mvn", j.Repository), p.maven(j)...)
		p.run(s, j.Dir, j.Env, args, "mvn "+j.Maven[0], mounts...)
	}
	p.run(s, j.Dir, j.Env, shell(jarScript, "jar", j.Jar, j.Output, origin), "install "+path.Base(j.Output))
}

// maven are the arguments that decide what Maven does.
func (p *Plan) maven(j *recipes.JavaStep) []string {
	args := []string{"-DskipTests", "-Dproject.build.outputTimestamp=" + p.value(j.Env, "SOURCE_DATE_EPOCH")}
	return append(append(args, defines(j.Options)...), j.Maven...)
}

// artifacts fetches what Maven needs.
func (p *Plan) artifacts(s recipes.Step) llb.State {
	return p.fetch(s, fetch{
		title: "fetch Maven artifacts", dir: s.Java.Dir, out: mavenDir,
		files:   []string{path.Join(s.Java.Dir, "**")},
		args:    append(shell(javaNetwork+mavenFetchScript, "mvn"), p.maven(s.Java)...),
		env:     sorted(s.Java.Env),
		secrets: []string{MavenSetting},
	})
}
