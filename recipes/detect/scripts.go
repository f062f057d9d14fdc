package detect

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/explain"
)

// packageFile is what is read of package.json.
type packageFile struct {
	Name, Version, Description, Homepage, Main string
	License                                    any
	Bin                                        any
	Dependencies                               map[string]string
	Scripts                                    map[string]string
}

func (p *project) node() error {
	d := p.draft
	d.Language = "Node"
	var c packageFile
	if err := json.Unmarshal([]byte(p.text("package.json")), &c); err != nil {
		return &UnfitError{"package.json cannot be read: " + err.Error(), "`npm pkg get` says what is wrong"}
	}
	d.name, d.version, d.summary, d.homepage = first(path.Base(c.Name), d.name), c.Version, c.Description, c.Homepage
	d.license, _ = c.License.(string)
	program := c.Main
	switch bin := c.Bin.(type) {
	case string:
		program = bin
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(bin)) {
			program, _ = bin[name].(string)
			break
		}
	}
	for _, file := range []string{program, "index.js", "server.js", "app.js", "main.js"} {
		if file = path.Clean(file); program == "" && p.has(file) {
			program = file
		}
	}
	if program = path.Clean(program); !p.has(program) && c.Scripts["build"] == "" {
		return &UnfitError{"package.json names no program that is there", "give it `main` or `bin`"}
	}
	d.interpreter("node", "nodejs", "cc")
	if len(c.Dependencies) == 0 && c.Scripts["build"] == "" {
		d.tree(program)
		return nil
	}
	if !p.has("package-lock.json") {
		return &UnfitError{"package.json has dependencies, and there is no package-lock.json", "`npm install --package-lock-only` writes it"}
	}
	return p.npm(c, program)
}

// npm installs a package with its dependencies.
func (p *project) npm(c packageFile, program string) error {
	d := p.draft
	if !slices.Contains(explain.Names("step"), "npm") {
		return &UnfitError{"package.json has dependencies, and this kiln has no step npm", "bundle the dependencies into one file, or use a kiln with the step"}
	}
	options := "output: " + scalar("/usr/lib/"+imageName(d.name))
	if c.Scripts["build"] != "" {
		options = "build: build, " + options
	}
	d.toolchain = []string{"node"}
	d.steps = []string{"npm: {" + options + "}"}
	d.entrypoint = []string{"/usr/bin/node", "/usr/lib/" + imageName(d.name) + "/" + program}
	return nil
}

// interpreter has the image hold one: by its base, where kiln has one, or by
// its package.
func (d *Draft) interpreter(name, pkg, base string) {
	d.base = base
	if slices.Contains(recipes.Bases(), name) {
		d.base = name
		return
	}
	d.imagePackages = []string{pkg}
}

// tree has the image hold the source tree, and start a program of it.
func (d *Draft) tree(program string) {
	dir := "/usr/lib/" + imageName(d.name)
	d.steps = []string{"run: [mkdir, -p, /out/usr/lib]", "run: [cp, -RT, ., " + scalar("/out"+dir) + "]"}
	d.entrypoint = []string{"/usr/bin/node", dir + "/" + program}
}

// pythonFile is what is read of pyproject.toml.
type pythonFile struct {
	Project struct {
		Name, Version, Description string
		License                    any
		Dependencies               []string
		Scripts                    map[string]string
	}
}

func (p *project) python() error {
	d := p.draft
	d.Language = "Python"
	var c pythonFile
	if err := toml.Unmarshal([]byte(p.text("pyproject.toml")), &c); err != nil {
		return &UnfitError{"pyproject.toml cannot be read: " + err.Error(), "see PEP 621 for its form"}
	}
	d.name, d.version, d.summary = first(c.Project.Name, d.name), c.Project.Version, c.Project.Description
	d.license, _ = c.Project.License.(string)
	needs := strings.TrimSpace(p.text("requirements.txt")) != "" || len(c.Project.Dependencies) > 0
	if needs {
		return &UnfitError{"the project has dependencies, which kiln init cannot lock yet", "write a recipe with their Debian packages (python3-NAME) in image.packages"}
	}
	d.interpreter("python", "python3", "cc")
	module := strings.ReplaceAll(first(c.Project.Name, d.name), "-", "_")
	program := ""
	for _, file := range []string{module + "/__main__.py", "src/" + module + "/__main__.py", "main.py", "app.py", module + ".py", "server.py", "__main__.py"} {
		if program == "" && p.has(file) {
			program = file
		}
	}
	if program == "" {
		return &UnfitError{"there is no program that can be seen, such as main.py or " + module + "/__main__.py", "add one, or write a recipe by hand"}
	}
	d.tree(strings.TrimSuffix(program, "/__main__.py"))
	d.entrypoint[0] = "/usr/bin/python3"
	return nil
}

func (p *project) java() error {
	return &UnfitError{
		"this is a Java project, for which kiln init cannot write a recipe yet",
		"write one with `toolchain: java`; `kiln explain step` lists the steps",
	}
}
