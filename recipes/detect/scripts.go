package detect

import (
	"cmp"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
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
	if c.Name != "" {
		d.name = path.Base(c.Name)
	}
	d.version, d.summary, d.homepage = c.Version, c.Description, c.Homepage
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
	for _, file := range []string{"index.js", "server.js", "app.js", "main.js"} {
		if program == "" && p.has(file) {
			program = file
		}
	}
	if program = path.Clean(program); program == "." || !p.has(program) && c.Scripts["build"] == "" {
		return &UnfitError{"package.json names no program that is there", "give it `main` or `bin`"}
	}
	d.base = "node"
	if len(c.Dependencies) == 0 && c.Scripts["build"] == "" {
		d.tree("/usr/bin/node", program)
		return nil
	}
	if !p.has("package-lock.json") {
		return &UnfitError{"package.json has dependencies, and there is no package-lock.json", "`npm install --package-lock-only` writes it"}
	}
	d.npm(c, program)
	return nil
}

// npm installs a package with its dependencies.
func (d *Draft) npm(c packageFile, program string) {
	options := "output: " + scalar("/usr/lib/"+imageName(d.name))
	if c.Scripts["build"] != "" {
		options = "build: build, " + options
	}
	d.toolchain = []string{"node"}
	d.steps = []string{"npm: {" + options + "}"}
	d.entrypoint = []string{"/usr/bin/node", "/usr/lib/" + imageName(d.name) + "/" + program}
}

// tree has the image hold the source tree, and start a program of it.
func (d *Draft) tree(interpreter, program string) {
	dir := "/usr/lib/" + imageName(d.name)
	d.steps = []string{"run: [mkdir, -p, /out/usr/lib]", "run: [cp, -RT, ., " + scalar("/out"+dir) + "]"}
	d.entrypoint = []string{interpreter, dir + "/" + program}
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
	d.name, d.version, d.summary = cmp.Or(c.Project.Name, d.name), c.Project.Version, c.Project.Description
	d.license, _ = c.Project.License.(string)
	if table, ok := c.Project.License.(map[string]any); ok {
		d.license, _ = table["text"].(string)
	}
	requirements := strings.TrimSpace(p.text("requirements.txt"))
	switch {
	case requirements != "" && !strings.Contains(requirements, "--hash="):
		return &UnfitError{"requirements.txt has no digests", "`pip-compile --generate-hashes` or `uv export` writes them"}
	case requirements == "" && len(c.Project.Dependencies) > 0:
		return &UnfitError{"the project has dependencies, and there is no requirements.txt that locks them", "`pip-compile --generate-hashes -o requirements.txt pyproject.toml` writes it"}
	}
	d.base = "python"
	if names := slices.Sorted(maps.Keys(c.Project.Scripts)); len(names) > 0 {
		d.wheel(names, requirements != "")
		return nil
	}
	module := strings.ReplaceAll(cmp.Or(c.Project.Name, d.name), "-", "_")
	program := ""
	for _, file := range []string{module + "/__main__.py", "src/" + module + "/__main__.py", "main.py", "app.py", module + ".py", "server.py", "__main__.py"} {
		if program == "" && p.has(file) {
			program = file
		}
	}
	if program == "" {
		return &UnfitError{"there is no program that can be seen, such as main.py or " + module + "/__main__.py", "add one, or write a recipe by hand"}
	}
	d.tree("/usr/bin/python3", strings.TrimSuffix(program, "/__main__.py"))
	if requirements != "" {
		d.toolchain = []string{"python"}
		d.steps = append([]string{"python: {requirements: requirements.txt, output: " + scalar("/usr/lib/"+imageName(d.name)) + "}"}, d.steps[1:]...)
	}
	return nil
}

// wheel installs a project that declares programs, with what it needs.
func (d *Draft) wheel(programs []string, locked bool) {
	d.toolchain = []string{"python"}
	options := "project: ., bins: " + list(programs)
	if locked {
		options = "project: ., requirements: requirements.txt, bins: " + list(programs)
	}
	d.steps = []string{"python: {" + options + "}"}
	for _, name := range programs {
		d.starts(name)
	}
}
