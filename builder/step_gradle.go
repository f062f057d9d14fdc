package builder

import (
	_ "embed"

	"github.com/kiln-build/kiln/recipes"
)

// gradleInit is an init script, by which a project need not be changed
// (https://docs.gradle.org/4.4.1/userguide/init_scripts.html).
//
//go:embed scripts/kiln.gradle
var gradleInit string

// gradleStart refuses what Debian's Gradle would pass over in silence.
const gradleStart = `printf %s "$1" >/tmp/kiln.gradle; shift
if [ -e build.gradle.kts ] && [ ! -e build.gradle ] && [ -e /usr/share/gradle/lib ] && ! ls /usr/share/gradle/lib | grep -q kotlin; then
  echo "build.gradle.kts is in Kotlin, which the Gradle of Debian cannot read: write build.gradle" >&2
  exit 1
fi
test -z "${KILN_LIBRARIES-}" || set -- "$@" :kilnLibraries
export GRADLE_USER_HOME=/tmp/gradle
`

// gradleFetchScript builds with network, and keeps what Gradle downloaded as a
// Maven repository: its own cache has the time of each request in it.
const gradleFetchScript = `shift
export KILN_REPOSITORY="$repository"
gradle --no-daemon -q $network -I /tmp/kiln.gradle --project-cache-dir /tmp/project "$@"
cd /tmp/gradle/caches/modules-2/files-2.1 2>/dev/null || exit 0
find . -type f | while IFS=/ read -r _ group module version _ file; do
  folder=` + mavenDir + `/$(printf %s "$group" | tr . /)/$module/$version
  mkdir -p "$folder"
  cp "$group/$module/$version"/*/"$file" "$folder/"
done`

const gradleScript = `export KILN_REPOSITORY=file:` + mavenDir + `
test "$1" != debian || KILN_REPOSITORY=file:/usr/share/maven-repo
shift
exec gradle --offline --no-daemon -q -I /tmp/kiln.gradle --project-cache-dir /tmp/project "$@"`

func gradleBuild(j *recipes.JavaStep) javaBuild {
	args := []string{gradleInit, j.Repository}
	for _, kv := range sorted(j.Options) {
		args = append(args, "-P"+kv[0]+"="+kv[1])
	}
	args = append(args, j.Gradle...)
	return javaBuild{
		tool: "gradle", goal: j.Gradle[0],
		fetch:  append(shell(javaNetwork+gradleStart+gradleFetchScript, "gradle"), args...),
		script: append(shell(gradleStart+gradleScript, "gradle"), args...),
	}
}
