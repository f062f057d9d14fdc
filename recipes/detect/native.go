package detect

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// cargoFile is what is read of Cargo.toml.
type cargoFile struct {
	Package struct {
		Name, Description, License, Homepage string
		Version                              any // or {workspace = true}
	}
	Bin          []struct{ Name string }
	Dependencies map[string]any
}

func (p *project) cargo() error {
	d := p.draft
	d.Language, d.toolchain = "Rust", []string{"rust"}
	var c cargoFile
	if err := toml.Unmarshal([]byte(p.text("Cargo.toml")), &c); err != nil {
		return &UnfitError{"Cargo.toml cannot be read: " + err.Error(), "`cargo metadata` says what is wrong"}
	}
	if c.Package.Name == "" {
		return &UnfitError{"Cargo.toml is that of a workspace", "run kiln init in the folder of a package, or write `cargo: {package: FOLDER}`"}
	}
	if !p.has("Cargo.lock") {
		return &UnfitError{"there is no Cargo.lock", "`cargo generate-lockfile` writes it; commit it"}
	}
	d.name, d.summary, d.license, d.homepage = c.Package.Name, c.Package.Description, c.Package.License, c.Package.Homepage
	d.version, _ = c.Package.Version.(string)
	d.base = "cc" // libgcc
	d.steps = []string{"cargo: {}"}
	programs := []string{c.Package.Name}
	if len(c.Bin) > 0 {
		programs = nil
	}
	for _, b := range c.Bin {
		programs = append(programs, b.Name)
	}
	for _, b := range programs {
		d.starts(b)
	}
	return nil
}

func (p *project) meson() error {
	text := p.text("meson.build")
	d := p.c("C, by meson")
	d.toolchain = append(d.toolchain, "meson")
	d.name = cmp.Or(find(`(?s)project\s*\(\s*'([^']+)'`, text), d.name)
	d.version = find(`(?s)project\s*\([^)]*\bversion\s*:\s*'([^']+)'`, text)
	d.license = find(`(?s)project\s*\([^)]*\blicense\s*:\s*'([^']+)'`, text)
	d.steps = []string{"meson: {}"}
	p.libraries(`dependency\s*\(\s*'([^']+)'`, text)
	return p.installs(find(`(?s)executable\s*\(\s*'([^']+)'[^)]*\binstall\s*:\s*true`, text),
		"meson.build installs no program that can be seen", "give an executable `install: true`")
}

func (p *project) cmake() error {
	text := p.text("CMakeLists.txt")
	d := p.c("C, by cmake")
	d.toolchain = append(d.toolchain, "cmake")
	d.name = cmp.Or(find(`(?i)project\s*\(\s*"?([A-Za-z0-9_.+-]+)`, text), d.name)
	d.version = find(`(?is)project\s*\([^)]*\bVERSION\s+([0-9][0-9.]*)`, text)
	d.summary = find(`(?is)project\s*\([^)]*\bDESCRIPTION\s+"([^"]+)"`, text)
	d.homepage = find(`(?is)project\s*\([^)]*\bHOMEPAGE_URL\s+"(https?://[^"]+)"`, text)
	d.steps = []string{"cmake: {}"}
	p.libraries(`(?i)find_package\s*\(\s*([A-Za-z0-9_]+)`, text)
	program := find(`(?i)install\s*\(\s*(?:PROGRAMS|TARGETS)\s+([A-Za-z0-9_.+${}-]+)`, text)
	return p.installs(strings.ReplaceAll(program, "${PROJECT_NAME}", d.name),
		"CMakeLists.txt installs no program that can be seen", "add install(TARGETS NAME)")
}

func (p *project) autotools() error {
	d := p.c("C, by autotools")
	text := p.text("configure.ac")
	init := `AC_INIT\s*\(\s*\[?([^],)]+)\]?`
	d.name = cmp.Or(strings.TrimSpace(find(init, text)), d.name)
	if m := regexp.MustCompile(init + `\s*,\s*\[?([^],)]+)`).FindStringSubmatch(text); m != nil {
		d.version = strings.TrimSpace(m[2])
	}
	if !p.has("configure") {
		d.packages = []string{"autoconf", "automake", "libtool"}
		d.steps = []string{"run: [autoreconf, -fi]"}
	}
	d.steps = append(d.steps, "autotools: {configure: [--prefix=/usr]}")
	program := find(`(?m)^\s*bin_PROGRAMS\s*\+?=\s*(\S+)`, p.text("Makefile.am")+"\n"+p.text("src/Makefile.am"))
	if program == "" {
		program = imageName(d.name)
		p.assume("the program is called as the project: /usr/bin/%s", program)
	}
	return p.installs(program, "", "")
}

func (p *project) make() error {
	text := p.text("GNUmakefile") + p.text("Makefile")
	d := p.c("C, by make")
	p.libraries(`-l([a-z][a-z0-9_+-]*)`, text)
	program := cmp.Or(find(`(?m)^\s*(?:PROGRAM|PROG|TARGET|BIN|EXE|NAME)\s*[:?]?=\s*([A-Za-z0-9._+-]+)\s*$`, text),
		find(`-o\s+([A-Za-z0-9._+-]+)`, text))
	if regexp.MustCompile(`(?m)^install\s*:`).MatchString(text) {
		program = cmp.Or(find(`/bin/([A-Za-z0-9._+-]+)`, text), program)
		vars := ""
		for _, v := range []string{"PREFIX", "prefix"} {
			if strings.Contains(text, "$("+v+")") {
				vars = "vars: {" + v + ": /usr}"
			}
		}
		d.steps = []string{"make: {" + vars + "}"}
		return p.installs(program, "the makefile installs no program that can be seen", "write `make` and `image.entrypoint` into a recipe by hand")
	}
	d.steps = []string{"make: {install: []}", fmt.Sprintf("run: [install, -D, %s, %s]", scalar(program), scalar("/out/usr/bin/"+program))}
	p.assume("the makefile has no target install: the recipe installs %s", program)
	return p.installs(program, "the makefile makes no program that can be seen", "add a target install")
}

// c is what projects in C and C++ have in common.
func (p *project) c(language string) *Draft {
	d := p.draft
	d.Language, d.toolchain = language, []string{"gcc"}
	_ = fs.WalkDir(p.fs, ".", func(file string, _ fs.DirEntry, err error) error {
		if ext := path.Ext(file); ext == ".cc" || ext == ".cpp" || ext == ".cxx" {
			d.base = "cc"
			d.Language = strings.Replace(language, "C,", "C++,", 1)
			return fs.SkipAll
		}
		return err
	})
	return d
}

// libraries says which libraries the project looks for.
func (p *project) libraries(pattern, text string) {
	var names []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		if name := m[1]; name != "m" && name != "pthread" && name != "dl" && name != "threads" && name != "Threads" {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		p.assume("the project looks for %s: add the libraries' -dev packages to build.packages", strings.Join(names, ", "))
	}
}

// installs is the end of reading a project that installs the program.
func (p *project) installs(program, problem, fix string) error {
	if !programName(program) {
		return &UnfitError{problem, fix}
	}
	p.draft.starts(program)
	return nil
}
