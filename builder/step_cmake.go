package builder

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// cmakeDefaults are cache entries that a recipe's options may override: what
// is not in the source tree is not downloaded, and nothing is looked for in,
// or put into, a registry of the user.
func cmakeDefaults() []string {
	return []string{
		"-DCMAKE_INSTALL_PREFIX=/usr", "-DFETCHCONTENT_FULLY_DISCONNECTED=ON", "-DCMAKE_BUILD_RPATH_USE_ORIGIN=ON",
		"-DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF", "-DCMAKE_EXPORT_NO_PACKAGE_REGISTRY=ON", "-DCMAKE_POSITION_INDEPENDENT_CODE=ON",
	}
}

func (p *Plan) cmakeStep(s recipes.Step) {
	c := s.CMake
	env := p.withMacros(c.Env)
	args := append([]string{"cmake", "-S", ".", "-B", c.Build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=" + c.Type}, cmakeDefaults()...)
	p.run(s, c.Dir, env, append(args, defines(c.Options)...), "cmake "+c.Type)
	args = []string{"cmake", "--build", c.Build}
	if len(c.Targets) > 0 {
		args = append(append(args, "--target"), c.Targets...)
	}
	p.run(s, c.Dir, env, args, "")
	install := []string{"cmake", "--install", c.Build}
	if c.Install == nil {
		p.run(s, c.Dir, env, install, "")
	}
	for _, component := range c.Install {
		p.run(s, c.Dir, env, append(slices.Clone(install), "--component", component), "")
	}
}

func defines(options map[string]string) []string {
	var args []string
	for _, kv := range sorted(options) {
		args = append(args, "-D"+kv[0]+"="+kv[1])
	}
	return args
}

func (p *Plan) mesonStep(s recipes.Step) {
	m := s.Meson
	args := []string{
		"meson", "setup", "--prefix=/usr", "--buildtype=" + m.Type, "--wrap-mode=nodownload",
		"-Db_pie=true", "-Dpython.bytecompile=-1",
	}
	if p.target.Cross() {
		args = append(args, "--cross-file="+mesonCross)
	}
	args = append(append(args, defines(m.Options)...), m.Build)
	p.run(s, m.Dir, m.Env, args, "meson setup "+m.Type)
	p.run(s, m.Dir, m.Env, append([]string{"meson", "compile", "-C", m.Build}, m.Targets...), "")
	args = []string{"meson", "install", "-C", m.Build, "--no-rebuild", "--quiet"}
	if len(m.Install) > 0 {
		args = append(args, "--tags", strings.Join(m.Install, ","))
	}
	if m.Install == nil || len(m.Install) > 0 {
		p.run(s, m.Dir, m.Env, args, "")
	}
}

// run runs a command of a step in the source tree. Progress shows the title,
// or else the command.
func (p *Plan) run(s recipes.Step, dir string, env map[string]string, args []string, title string, more ...llb.RunOption) {
	if title == "" {
		title = path.Base(args[0]) + " " + strings.Join(args[1:], " ")
	}
	opts := append(p.options(s, dir, env, args), llb.ReadonlyRootFS(), p.name(s.Pos, title))
	p.inTree(p.root, append(opts, more...))
}
