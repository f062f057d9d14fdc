package builder

import (
	"path"
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

const goFetchScript = `test -f vendor/modules.txt || exec go mod download`

// modules downloads the Go modules of a go step. A vendored module needs none.
// The go command verifies what it gets against go.sum.
func (p *Plan) modules(s recipes.Step) llb.State {
	return p.fetch(s, fetch{
		title: "fetch Go modules", dir: s.Go.Dir, out: modDir,
		files:   []string{"**/go.mod", "**/go.sum", "**/go.work", "**/go.work.sum", "**/vendor/modules.txt"},
		args:    []string{"/bin/sh", "-euc", goFetchScript},
		env:     [][2]string{{"GOMODCACHE", modDir}, {"GOTOOLCHAIN", "local"}, {"GOFLAGS", "-modcacherw"}, {"GOTELEMETRY", "off"}},
		secrets: []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE"},
	})
}
