package detect

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// suiteGo is the Go of the default suite; newer ones have a version.
const suiteGo = 24

func (p *project) golang() error {
	d := p.draft
	d.Language, d.base = "Go", "static"
	mod, err := modfile.ParseLax("go.mod", []byte(p.text("go.mod")), nil)
	if err != nil || mod.Module == nil {
		return &UnfitError{"go.mod cannot be read", "`go mod edit -json` says what is wrong"}
	}
	if prefix, _, ok := module.SplitPathVersion(mod.Module.Mod.Path); ok {
		d.name = path.Base(prefix)
	}
	if len(mod.Require) > 0 && !p.has("go.sum") && !p.has("vendor/modules.txt") {
		return &UnfitError{"go.mod requires modules, and there is no go.sum", "`go mod tidy` writes it"}
	}
	mains, cgo, err := p.goPackages()
	if err != nil {
		return fmt.Errorf("reading the module: %w", err)
	}
	if len(mains) == 0 {
		return &UnfitError{"no package of the module is a program (package main)", "run kiln init in the folder of a service"}
	}
	d.toolchain = []string{goToolchain(mod)}
	if cgo {
		d.toolchain, d.base = append(d.toolchain, "gcc"), "glibc"
		p.assume("a package imports C, so that programs are compiled with cgo: add the libraries' -dev packages to build.packages")
	}
	for _, dir := range mains {
		program := path.Base(dir)
		if dir == "." {
			program = d.name
		}
		extra := ""
		if cgo {
			extra = ", cgo: true"
		}
		d.steps = append(d.steps, fmt.Sprintf("go: {package: %s, output: %s, ldflags: \"-s -w\"%s}", scalar(goPackage(dir)), scalar("/usr/bin/"+program), extra))
		d.starts(program)
	}
	return nil
}

func goPackage(dir string) string {
	if dir == "." {
		return dir
	}
	return "./" + dir
}

func goToolchain(mod *modfile.File) string {
	if mod.Go == nil {
		return "go"
	}
	if minor, err := strconv.Atoi(find(`^1\.([0-9]+)`, mod.Go.Version)); err == nil && minor > suiteGo {
		return "go@1." + strconv.Itoa(minor)
	}
	return "go"
}

// goPackages are the folders of programs, the one called as the module first,
// and whether one of the module's packages needs cgo.
func (p *project) goPackages() (mains []string, cgo bool, err error) {
	found := map[string]bool{}
	err = fs.WalkDir(p.fs, ".", func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := e.Name(); {
		case e.IsDir() && file != "." && (strings.ContainsAny(name[:1], "._") || name == "vendor" || name == "testdata" || p.has(path.Join(file, "go.mod"))):
			return fs.SkipDir
		case e.IsDir(), !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text := p.text(file)
		f, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil || strings.Contains(text, "//go:build ignore") {
			return nil // the compiler will say
		}
		if f.Name.Name == "main" {
			found[path.Dir(file)] = true
		}
		for _, i := range f.Imports {
			cgo = cgo || i.Path.Value == `"C"`
		}
		return nil
	})
	mains = slices.Sorted(maps.Keys(found))
	slices.SortStableFunc(mains, func(a, b string) int { return p.rank(a) - p.rank(b) })
	return mains, cgo, err
}

// rank is smaller for what is more likely the service itself.
func (p *project) rank(dir string) int {
	switch {
	case dir == ".":
		return 0
	case path.Base(dir) == p.draft.name:
		return 1
	case strings.HasPrefix(dir, "cmd/"):
		return 2
	}
	return 3
}
