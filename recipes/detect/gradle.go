package detect

import (
	"cmp"
	"strings"
)

// gradleNeeds is a dependency in a build script that more than tests need.
const gradleNeeds = `(?m)^\s*(?:implementation|api|compile|compileOnly|runtime|runtimeOnly|annotationProcessor)\b\s*\(?\s*((?:files|fileTree)\s*\(|(?:group\s*:\s*)?["'][^"']+)`

func (p *project) gradle() error {
	script, settings := p.text("build.gradle")+p.text("build.gradle.kts"), p.text("settings.gradle")+p.text("settings.gradle.kts")
	p.draft.name = cmp.Or(find(gradleName, settings), p.draft.name)
	p.draft.version = find(gradleVersion, script)
	dependency := strings.TrimLeft(find(gradleNeeds, script), `"'`)
	switch {
	case find(`(?m)^\s*include\b\s*\(?\s*["'](.)`, settings) != "":
		return &UnfitError{"settings.gradle is that of several projects", explainJava}
	case dependency == "":
		return p.javac()
	case !p.has("build.gradle"):
		return &UnfitError{
			"the project depends on " + dependency + ", and build.gradle.kts is in Kotlin, which the Gradle of Debian cannot read",
			"write build.gradle, or a recipe for a jar that is built elsewhere; `kiln explain step java` shows its fields",
		}
	}
	jar, err := gradleJar(script, settings)
	if err != nil {
		return err
	}
	p.assume("the Gradle of Debian (4.4.1 in trixie) builds it, whatever gradle/wrapper says")
	return p.jar("gradle: [jar]", jar)
}

const gradleName = `rootProject\.name\s*=\s*["']([\w.-]+)["']`

const gradleVersion = `(?m)^\s*version\s*=?\s*["']([\w.+-]+)["']`

// gradleJar is where Gradle puts the jar: it is called as the project, and that
// as its folder, which is /src in a build.
func gradleJar(script, settings string) (string, error) {
	if set := find(`\b(archive(?:File|Base)?Name|baseName|archiveVersion|archiveClassifier|classifier|libsDirName|buildDir)\b`, script); set != "" {
		return "", &UnfitError{"build.gradle says by " + set + " how its jar is called", explainJava}
	}
	name := cmp.Or(find(`archivesBaseName\s*=\s*["']([\w.-]+)["']`, script), find(gradleName, settings), "src")
	if version := find(gradleVersion, script); version != "" {
		name += "-" + version
	}
	return "build/libs/" + name + ".jar", nil
}
