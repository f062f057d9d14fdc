// Package detect writes a first recipe for a folder of source code, from what
// the folder holds: go.mod, Cargo.toml, CMakeLists.txt and the like. It reads
// files and nothing else; what it cannot know it assumes, and says so. Start
// at [Folder].
package detect

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Draft is a recipe for a folder.
type Draft struct {
	// Language is what the folder was taken for, as "Go".
	Language string
	// Assumed are sentences about what the folder does not say.
	Assumed []string

	name, version, summary, license, homepage string

	toolchain, packages  []string
	steps                []string // each a YAML mapping in one line
	base                 string
	entrypoint, programs []string
}

// ErrUnknown is a folder that holds no project that can be told.
var ErrUnknown = errors.New("no project that kiln can tell is here")

// UnfitError is a project that is understood, and that kiln cannot build as it
// is.
type UnfitError struct{ Msg, Fix string }

func (e *UnfitError) Error() string { return e.Msg }

// Hint is the way out.
func (e *UnfitError) Hint() string { return e.Fix }

// Folder drafts a recipe for the project in fsys, which is in a folder called
// name. The error is [ErrUnknown], an [*UnfitError], or one of reading.
func Folder(fsys fs.FS, name string) (*Draft, error) {
	p := &project{fs: fsys, draft: &Draft{name: name, base: "glibc"}}
	for _, language := range []struct {
		file string
		read func(*project) error
	}{
		{"go.mod", (*project).golang},
		{"Cargo.toml", (*project).cargo},
		{"package.json", (*project).node},
		{"pyproject.toml", (*project).python},
		{"requirements.txt", (*project).python},
		{"setup.py", (*project).python},
		{"pom.xml", (*project).java},
		{"build.gradle", (*project).java},
		{"build.gradle.kts", (*project).java},
		{"meson.build", (*project).meson},
		{"CMakeLists.txt", (*project).cmake},
		{"configure.ac", (*project).autotools},
		{"configure", (*project).autotools},
		{"Makefile", (*project).make},
		{"GNUmakefile", (*project).make},
	} {
		if !p.has(language.file) {
			continue
		}
		if err := language.read(p); err != nil {
			return nil, err
		}
		p.finish()
		return p.draft, nil
	}
	return nil, ErrUnknown
}

// project is a folder that is being read.
type project struct {
	fs    fs.FS
	draft *Draft
}

func (p *project) has(file string) bool {
	fi, err := fs.Stat(p.fs, file)
	return err == nil && fi.Mode().IsRegular()
}

// text is a file's, empty where there is none.
func (p *project) text(file string) string {
	b, err := fs.ReadFile(p.fs, file)
	if err != nil {
		return ""
	}
	return string(b)
}

func (p *project) assume(format string, args ...any) {
	p.draft.Assumed = append(p.draft.Assumed, fmt.Sprintf(format, args...))
}

// find is the first group of a pattern in text, or empty.
func find(pattern, text string) string {
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

// finish fills in what every recipe has.
func (p *project) finish() {
	d := p.draft
	d.name = imageName(d.name)
	if d.version = strings.TrimPrefix(d.version, "v"); !regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`).MatchString(d.version) {
		d.version = "0.1.0"
		p.assume("no version is given: 0.1.0")
	}
	// What another tool would put in there is nothing that a recipe knows.
	if d.summary = strings.Join(strings.Fields(d.summary), " "); d.summary == "" || strings.Contains(d.summary, "${") {
		d.summary = d.name
		p.assume("no summary is given: say in a line what %s is", d.name)
	}
	if u, err := url.Parse(d.homepage); err != nil || strings.Contains(d.homepage, "${") || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		d.homepage = ""
	}
	p.licensed()
	if len(d.programs) > 1 {
		p.assume("the image starts %s; it holds %s as well", d.entrypoint[0], strings.Join(d.programs[1:], ", "))
	}
	p.assume("no tests are known: add one, such as %s --version, so that an image that cannot start is not published", path.Base(d.entrypoint[len(d.entrypoint)-1]))
}

// imageName is name as a part of an image's name may be written.
func imageName(name string) string {
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	if name = strings.Trim(name, "-"); name == "" {
		return "service"
	}
	return name
}

// programName is a file's name where it can be one in /usr/bin.
func programName(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`).MatchString(name)
}

// starts has the image start a program of /usr/bin.
func (d *Draft) starts(program string) {
	d.programs = append(d.programs, "/usr/bin/"+program)
	if len(d.entrypoint) == 0 {
		d.entrypoint = []string{"/usr/bin/" + program}
	}
}
