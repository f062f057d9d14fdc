package detect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// javaScript compiles the classes below src/main/java into a jar that is the
// same for the same source.
const javaScript = `|
        mkdir -p classes "$DESTDIR/usr/share/java"
        find src/main/java -name '*.java' > sources.txt
        sort -o sources.txt sources.txt
        javac -d classes @sources.txt
        if test -d src/main/resources; then cp -R src/main/resources/. classes; fi
        jar --create --file app.jar --main-class '%s' -C classes .
        strip-nondeterminism -T "$SOURCE_DATE_EPOCH" app.jar
        mv app.jar "$DESTDIR/usr/share/java/app.jar"`

func (p *project) java() error {
	p.draft.Language = "Java"
	p.draft.base, p.draft.toolchain = "java", []string{"java"}
	if p.has("pom.xml") {
		return p.maven()
	}
	return p.gradle()
}

// javac drafts a build without Maven or Gradle, which a project without
// dependencies does not need.
func (p *project) javac() error {
	main, err := p.javaMain()
	if err != nil {
		return err
	}
	d := p.draft
	d.steps = []string{"run: " + fmt.Sprintf(javaScript, main)}
	d.entrypoint = []string{"/usr/bin/java", "-jar", "/usr/share/java/app.jar"}
	p.assume("the project needs no more than the JDK, so that javac compiles it; it starts %s", main)
	return nil
}

// jar drafts a build by Maven or Gradle, whose result is the jar.
func (p *project) jar(tool, jar string) error {
	main, err := p.javaMain()
	if err != nil {
		return err
	}
	d := p.draft
	home := "/usr/share/java/" + imageName(d.name)
	d.steps = []string{fmt.Sprintf("java: {%s, jar: %s, output: %s, libraries: %s}", tool, scalar(jar), scalar(home+".jar"), scalar(home))}
	d.entrypoint = []string{"/usr/bin/java", "-cp", home + ".jar:" + home + "/*", main}
	p.assume("the jar is %s, and it starts %s", jar, main)
	return nil
}

var (
	// className is a class whose name a script may hold as it is.
	className = regexp.MustCompile(`^\w+\.java$`)
	// jarName is the name of a jar, all of whose parts are known.
	jarName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)
)

// javaMain is the first class with a main method.
func (p *project) javaMain() (found string, err error) {
	err = fs.WalkDir(p.fs, "src/main/java", func(file string, e fs.DirEntry, err error) error {
		if file == "src/main/java" && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() || !className.MatchString(e.Name()) {
			return err
		}
		text := p.text(file)
		if find(`(public\s+static\s+void\s+main|static\s+public\s+void\s+main)\s*\(`, text) == "" {
			return nil
		}
		found = strings.TrimSuffix(path.Base(file), ".java")
		if pkg := find(`(?m)^\s*package\s+([\w.]+)\s*;`, text); pkg != "" {
			found = pkg + "." + found
		}
		return fs.SkipAll
	})
	if err != nil {
		return "", fmt.Errorf("reading classes: %w", err)
	}
	if found == "" {
		return "", &UnfitError{"no class below src/main/java has a main method", "run kiln init in the folder of a service"}
	}
	return found, nil
}

const explainJava = "write a recipe with a `java` step; `kiln explain step java` shows its fields"
