package builder

import (
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// Scripts that kiln runs in the build environment. They are constant: what
// varies comes as arguments.
const (
	makeScript  = `exec make -j"$(nproc)" "$@"`
	patchScript = `sed -e 's/[ \t]*#.*//' -e '/^$/d' debian/patches/series | while read -r name level; do
  patch --batch --fuzz=0 --no-backup-if-mismatch "${level:--p1}" -i "debian/patches/$name"
done`
)

func (p *Plan) step(s recipes.Step) error {
	switch s.Kind() {
	case "go":
		p.goStep(s)
	case "make":
		p.makeStep(s)
	case "autotools":
		p.autotoolsStep(s)
	case "cmake":
		p.cmakeStep(s)
	case "meson":
		p.mesonStep(s)
	case "cargo":
		p.cargoStep(s)
	case "npm":
		p.npmStep(s)
	case "python":
		p.pythonStep(s)
	case "java":
		p.javaStep(s)
	case "run":
		p.runStep(s)
	case "fetch":
		p.fetchStep(s)
	default:
		return fmt.Errorf("there is no step %q", s.Kind())
	}
	return nil
}

// name is how progress shows an operation: the recipe's line beside it.
func (p *Plan) name(pos recipes.Pos, text string) llb.ConstraintsOpt {
	return llb.WithCustomName(p.prefix(pos) + text)
}

func (p *Plan) prefix(pos recipes.Pos) string {
	return fmt.Sprintf("[%s:%d] ", path.Base(p.recipe.File), pos.Line)
}

// options are what all steps share: no network, and a fresh /tmp.
func (p *Plan) options(s recipes.Step, dir string, env map[string]string, args []string) []llb.RunOption {
	opts := []llb.RunOption{
		llb.Args(args), llb.Dir(path.Join(srcDir, dir)),
		llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()),
		llb.Network(llb.NetModeNone), p.platform, p.at(s.Pos),
	}
	for _, kv := range sorted(env) {
		opts = append(opts, llb.AddEnv(kv[0], kv[1]))
	}
	return opts
}

// cache is a persistent folder for a compiler. It is the recipe's own, so that
// what one recipe leaves there cannot reach the image of another.
func (p *Plan) cache(name string) llb.RunOption {
	id := fmt.Sprintf("kiln/%s/%s/%s", p.recipe.Name, strings.Join(p.recipe.Build.Toolchain, "+"), name)
	if p.target.Cross() {
		id += "/" + p.target.Platform
	}
	return llb.AddMount(path.Join(cacheDir, name), llb.Scratch(), llb.AsPersistentCacheDir(id, llb.CacheMountShared))
}

// inTree runs a command that may write to the source tree and to $DESTDIR.
func (p *Plan) inTree(root llb.State, opts []llb.RunOption) llb.State {
	st := root.Run(opts...)
	p.src = st.AddMount(srcDir, p.src)
	p.out = st.AddMount(outDir, p.out)
	return st.Root()
}

// runStep runs what the recipe says. It alone may change the build
// environment for the steps after it.
func (p *Plan) runStep(s recipes.Step) {
	r := s.Run
	args, title := command(r.Command, r.Script)
	p.root = p.inTree(p.root, append(p.options(s, r.Dir, r.Env, args), p.name(s.Pos, title)))
}

// command is a command, or else a script, and how it is shown.
func command(args []string, script string) (_ []string, title string) {
	if len(args) > 0 {
		return args, strings.Join(args, " ")
	}
	title, _, _ = strings.Cut(strings.TrimSpace(script), "\n")
	return shell(script), title
}

// shell runs a script. Of the args the first is its $0.
func shell(script string, args ...string) []string {
	return append([]string{"/bin/sh", "-euc", script}, args...)
}
