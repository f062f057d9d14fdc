package builder

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

func (p *Plan) goStep(s recipes.Step) {
	g := s.Go
	args := []string{"go", "build", "-buildvcs=false"}
	if g.Trimpath == nil || *g.Trimpath {
		args = append(args, "-trimpath")
	}
	flags := goLink(g)
	args = append(args, flags.mode...)
	if tags := slices.Concat(g.Tags, flags.tags); len(tags) > 0 {
		args = append(args, "-tags", strings.Join(tags, ","))
	}
	if ldflags := strings.TrimSpace(flags.link + " " + g.Ldflags); ldflags != "" {
		args = append(args, "-ldflags", ldflags)
	}
	args = append(args, "-o", path.Join(outDir, g.Output), g.Package)
	sees := p.goSees(s, flags.cgo)
	opts := slices.Concat(p.options(s, g.Dir, g.Env, args), []llb.RunOption{p.name(s.Pos, "go build "+g.Package)}, sees)
	p.programs = append(p.programs, goProgram{step: s, tags: slices.Concat(g.Tags, flags.tags), root: p.root, sees: sees})
	p.out = p.root.Run(opts...).AddMount(outDir, p.out)
}

// goSees is what a go step finds: the sources, the modules and the settings of
// the go command.
func (p *Plan) goSees(s recipes.Step, cgo bool) []llb.RunOption {
	opts := []llb.RunOption{
		llb.ReadonlyRootFS(), llb.AddMount(modDir, p.modules(s), llb.Readonly),
		llb.AddMount(srcDir, p.src, llb.Readonly), p.cache("go-build"),
	}
	for _, kv := range goVariables(cgo) {
		opts = append(opts, llb.AddEnv(kv[0], kv[1]))
	}
	return opts
}

// linking is how a Go program is linked.
type linking struct {
	cgo        bool
	mode, tags []string
	link       string
}

// goLink says how to link. The go command's own linker makes no
// position-independent program that does without the C library's loader, so
// without cgo, which needs no loader, that has to be asked for, and the C
// linker makes it.
func goLink(g *recipes.GoStep) linking {
	pie := g.Cgo
	if g.Pie != nil {
		pie = *g.Pie
	}
	switch {
	case pie && !g.Cgo:
		return linking{true, []string{"-buildmode=pie"}, []string{"netgo", "osusergo"}, `-linkmode=external -extldflags "-static-pie -Wl,-z,relro,-z,now"`}
	case pie:
		return linking{true, []string{"-buildmode=pie"}, nil, "-linkmode=external"}
	}
	return linking{cgo: g.Cgo}
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

// What the checksum database answered differs each time, and what is said of a
// version besides its content from proxy to proxy; a build reads neither.
const goFetchScript = `test -f vendor/modules.txt || go mod download
rm -rf "$GOMODCACHE/cache/download/sumdb" "$GOMODCACHE/cache/lock"
test ! -d "$GOMODCACHE/cache/download" || find "$GOMODCACHE/cache/download" -name '*.info' -delete
`

// modules downloads the Go modules of a go step. A vendored module needs none.
// The go command verifies what it gets against go.sum.
func (p *Plan) modules(s recipes.Step) llb.State {
	return p.fetch(s, fetch{
		title: "fetch Go modules", dir: s.Go.Dir, out: modDir,
		files:   []string{"**/go.mod", "**/go.sum", "**/go.work", "**/go.work.sum", "**/vendor/modules.txt"},
		args:    shell(goFetchScript),
		env:     [][2]string{{"GOMODCACHE", modDir}, {"GOTOOLCHAIN", "local"}, {"GOFLAGS", "-modcacherw"}, {"GOTELEMETRY", "off"}},
		secrets: goSecrets(),
	})
}
