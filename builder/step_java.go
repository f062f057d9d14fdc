package builder

import (
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// mavenDir is Maven's local repository.
const mavenDir = "/m2"

// mavenFetchScript builds with network and keeps what that needed: Maven does
// not know before. Its list of where each file came from goes, so that it asks
// nobody for them again. Maven reads no proxy from the environment.
const mavenFetchScript = `host=${http_proxy#*://} host=${host%/}
{
  echo "<settings><mirrors><mirror><id>kiln</id><mirrorOf>*</mirrorOf><url>$KILN_MAVEN</url></mirror></mirrors>"
  test -z "$host" || echo "<proxies><proxy><protocol>http</protocol><host>${host%:*}</host><port>${host##*:}</port></proxy></proxies>"
  echo "</settings>"
} >/tmp/settings.xml
mvn -B -q -s /tmp/settings.xml -Dmaven.repo.local=` + mavenDir + ` "$@"
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
		files: []string{path.Join(s.Java.Dir, "**")},
		args:  append(shell(mavenFetchScript, "mvn"), p.maven(s.Java)...),
		env:   append([][2]string{{"KILN_MAVEN", baseURL("maven")}}, sorted(s.Java.Env)...),
	})
}
