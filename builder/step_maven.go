package builder

import "github.com/kiln-build/kiln/recipes"

// mavenLibraries adds a goal, of a plugin of a version that stays the same:
// Maven would ask for the newest. Debian has one version.
const mavenLibraries = `version=3.8.1
for jar in /usr/share/maven-repo/org/apache/maven/plugins/maven-dependency-plugin/*/*.jar; do
  test "$1" != debian || version=$(basename "$(dirname "$jar")")
done
origin=$1; shift
test -z "${KILN_LIBRARIES-}" || set -- "$@" "org.apache.maven.plugins:maven-dependency-plugin:$version:copy-dependencies" \
  -DincludeScope=runtime -Dmdep.prependGroupId=true "-DoutputDirectory=$KILN_LIBRARIES"
`

// mavenFetchScript builds with network and keeps what that needed. Maven's list
// of where each file came from goes, so that it asks nobody for them again.
const mavenFetchScript = `MAVEN_OPTS="$network ${MAVEN_OPTS-}" mvn -B -q -s /tmp/settings.xml -Dmaven.repo.local=` + mavenDir + ` "$@"
find ` + mavenDir + ` \( -name _remote.repositories -o -name '*.lastUpdated' -o -name resolver-status.properties \) -delete`

// mavenScript gives Maven a local repository that it may write to.
const mavenScript = `repository=` + mavenDir + `
if [ "$origin" = debian ]; then repository=/tmp/m2; cp -rs /usr/share/maven-repo "$repository"; fi
exec mvn -o -B -q -Dmaven.repo.local="$repository" "$@"`

func (p *Plan) mavenBuild(j *recipes.JavaStep) javaBuild {
	args := []string{j.Repository, "-DskipTests", "-Dproject.build.outputTimestamp=" + p.value(j.Env, "SOURCE_DATE_EPOCH")}
	args = append(append(args, defines(j.Options)...), j.Maven...)
	return javaBuild{
		tool: "mvn", goal: j.Maven[0],
		fetch:  append(shell(javaNetwork+mavenLibraries+mavenFetchScript, "mvn"), args...),
		script: append(shell(mavenLibraries+mavenScript, "mvn"), args...),
	}
}
