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
	fetchScript = `test -f vendor/modules.txt || exec go mod download`
	patchScript = `sed -e 's/[ \t]*#.*//' -e '/^$/d' debian/patches/series | while read -r name level; do
  patch --batch --fuzz=0 --no-backup-if-mismatch "${level:--p1}" -i "debian/patches/$name"
done`
)

// Secrets of fetch steps: what they may need to reach the network on the
// machine of the engine. BuildKit keeps them out of cache keys, logs and
// results.
const (
	// CASecret is a PEM bundle of the authorities to trust.
	CASecret = "kiln-ca"
	caFile   = "/run/kiln/ca.pem"
)

// goEnv are the settings of the go command that fetch steps take from where
// kiln runs; each is a secret of its own name.
var goEnv = []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE"}

func (p *Plan) step(s recipes.Step) error {
	switch s.Kind() {
	case "go":
		p.goStep(s)
	case "make":
		p.makeStep(s)
	case "autotools":
		p.autotoolsStep(s)
	case "run":
		p.runStep(s)
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
	return llb.AddMount(path.Join(cacheDir, name), llb.Scratch(), llb.AsPersistentCacheDir(id, llb.CacheMountShared))
}

func (p *Plan) goStep(s recipes.Step) {
	g := s.Go
	args := []string{"go", "build", "-buildvcs=false"}
	if g.Trimpath == nil || *g.Trimpath {
		args = append(args, "-trimpath")
	}
	if len(g.Tags) > 0 {
		args = append(args, "-tags", strings.Join(g.Tags, ","))
	}
	if g.Ldflags != "" {
		args = append(args, "-ldflags", g.Ldflags)
	}
	args = append(args, "-o", path.Join(outDir, g.Output), g.Package)
	opts := append(p.options(s, g.Dir, g.Env, args),
		p.name(s.Pos, "go build "+g.Package), llb.ReadonlyRootFS(),
		llb.AddMount(modDir, p.modules(s), llb.Readonly),
		llb.AddMount(srcDir, p.src, llb.Readonly), p.cache("go-build"))
	for _, kv := range goVariables(g.Cgo) {
		opts = append(opts, llb.AddEnv(kv[0], kv[1]))
	}
	p.out = p.root.Run(opts...).AddMount(outDir, p.out)
}

func goVariables(cgo bool) [][2]string {
	enabled := "0"
	if cgo {
		enabled = "1"
	}
	return [][2]string{
		{"CGO_ENABLED", enabled}, {"GOCACHE", path.Join(cacheDir, "go-build")}, {"GOMODCACHE", modDir},
		{"GOTOOLCHAIN", "local"}, {"GOPROXY", "off"}, {"GOTELEMETRY", "off"},
	}
}

// modules downloads the Go modules of a go step: the one kind of step with
// network. It sees go.mod, go.sum and the like alone, so that a change of code
// fetches nothing. The go command verifies what it gets against go.sum.
func (p *Plan) modules(s recipes.Step) llb.State {
	files := llb.Scratch().File(llb.Copy(p.src, "/", "/", &llb.CopyInfo{
		CopyDirContentsOnly: true,
		IncludePatterns:     []string{"**/go.mod", "**/go.sum", "**/go.work", "**/go.work.sum", "**/vendor/modules.txt"},
	}), p.platform, p.name(s.Pos, "read go.mod and go.sum"))
	opts := []llb.RunOption{
		llb.Args([]string{"/bin/sh", "-euc", fetchScript}), llb.Dir(path.Join(srcDir, s.Go.Dir)),
		llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()), llb.AddMount(srcDir, files, llb.ForceNoOutput), llb.ReadonlyRootFS(),
		llb.AddEnv("GOMODCACHE", modDir), llb.AddEnv("GOTOOLCHAIN", "local"), llb.AddEnv("GOFLAGS", "-modcacherw"), llb.AddEnv("GOTELEMETRY", "off"),
		llb.AddEnv("SSL_CERT_FILE", caFile), llb.AddSecret(caFile, llb.SecretID(CASecret), llb.SecretOptional),
		p.platform, p.at(s.Pos), p.name(s.Pos, "fetch Go modules"),
	}
	for _, name := range goEnv {
		opts = append(opts, llb.AddSecret(name, llb.SecretID(name), llb.SecretAsEnv(true), llb.SecretOptional))
	}
	return p.env.Run(opts...).AddMount(modDir, llb.Scratch())
}

// inTree runs a command that may write to the source tree and to $DESTDIR.
func (p *Plan) inTree(root llb.State, opts []llb.RunOption) llb.State {
	st := root.Run(opts...)
	p.src = st.AddMount(srcDir, p.src)
	p.out = st.AddMount(outDir, p.out)
	return st.Root()
}

func (p *Plan) makeStep(s recipes.Step) {
	m := s.Make
	var vars []string
	for _, kv := range sorted(m.Vars) {
		vars = append(vars, kv[0]+"="+kv[1])
	}
	p.make(s, m.Dir, m.Env, append(vars, m.Targets...))
	p.install(s, m.Dir, m.Env, vars, m.Install)
}

func (p *Plan) make(s recipes.Step, dir string, env map[string]string, args []string) {
	script := append([]string{"/bin/sh", "-euc", makeScript, "make"}, args...)
	p.inTree(p.root, append(p.options(s, dir, env, script), llb.ReadonlyRootFS(), p.name(s.Pos, strings.TrimSpace("make "+strings.Join(args, " ")))))
}

// install runs make for the targets that install. Nil is [install].
func (p *Plan) install(s recipes.Step, dir string, env map[string]string, vars, targets []string) {
	if targets == nil {
		targets = []string{"install"}
	}
	if len(targets) > 0 {
		p.make(s, dir, env, append(append([]string{"DESTDIR=" + outDir}, vars...), targets...))
	}
}

func (p *Plan) autotoolsStep(s recipes.Step) {
	a := s.Autotools
	script := a.Script
	if script == "" {
		script = "configure"
	}
	args := append([]string{"./" + path.Clean(script)}, a.Configure...)
	p.inTree(p.root, append(p.options(s, a.Dir, a.Env, args), llb.ReadonlyRootFS(), p.name(s.Pos, strings.Join(args, " "))))
	p.make(s, a.Dir, a.Env, a.Targets)
	p.install(s, a.Dir, a.Env, nil, a.Install)
}

// runStep runs what the recipe says. It alone may change the build
// environment for the steps after it.
func (p *Plan) runStep(s recipes.Step) {
	r := s.Run
	args, title := r.Command, strings.Join(r.Command, " ")
	if len(args) == 0 {
		args = []string{"/bin/sh", "-euc", r.Script}
		title, _, _ = strings.Cut(strings.TrimSpace(r.Script), "\n")
	}
	p.root = p.inTree(p.root, append(p.options(s, r.Dir, r.Env, args), p.name(s.Pos, title)))
}
