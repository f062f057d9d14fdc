package builder

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"go/version"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// Folders of the step that analyses a program, and its result.
const (
	analyserDir    = "/kiln/analyser"
	analyserSource = "/kiln/source"
	advisoriesDir  = "/kiln/advisories"
	analysisDir    = "/kiln/analysis"
	analysisFile   = "result.json"
)

// analyser is the name of the program: golang.org/x/vuln/cmd/govulncheck.
const analyser = "govulncheck"

// analyseScript analyses by a program that reads source as new as that of the
// environment's Go: by the one that kiln brings, which was compiled by Go 1.$1,
// or else by one compiled here, of the source that kiln brings. Its output is
// the result.
const analyseScript = `program=` + analyserDir + `/` + analyser + `
minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
if test "$minor" -gt "$1"; then
  program=` + analysisDir + `/` + analyser + `
  (cd ` + analyserSource + ` && env -u GOOS -u GOARCH -u GOFLAGS CGO_ENABLED=0 go build -mod=vendor -buildvcs=false -trimpath -o "$program" golang.org/x/vuln/cmd/` + analyser + `)
fi
shift
"$program" "$@" >` + analysisDir + `/` + analysisFile + `
rm -f ` + analysisDir + `/` + analyser

// goProgram is a program that a go step makes, and what the step finds.
type goProgram struct {
	step recipes.Step
	tags []string
	root llb.State
	sees []llb.RunOption
}

// ReachInput is what [Engine.Reach] needs besides a plan.
type ReachInput struct {
	// Analyser returns the program govulncheck for an architecture, and the
	// files of its source; see [ReadAnalyser].
	Analyser func(arch string) (program []byte, source map[string][]byte, err error)
	// Advisories are the files of a Go vulnerability database, by path
	// (https://go.dev/doc/security/vuln/database#api).
	Advisories map[string][]byte
}

// Reach finds out what the programs of the plan's go steps reach of what
// advisories are about. Each is analysed as it is built: by its source and
// modules, in its build environment, for its platform, without network. Where a
// step besides these may compile Go programs too, it is an error, since nothing
// would be known of those.
func (e *Engine) Reach(ctx context.Context, p *Plan, in ReachInput) (*recipes.Analysis, error) {
	if err := p.analysable(); err != nil {
		return nil, err
	}
	tools, err := e.analysisTools(p, in)
	if err != nil {
		return nil, err
	}
	a := &recipes.Analysis{}
	for _, g := range p.programs {
		text, err := e.analyse(ctx, p, p.analysis(g, tools))
		if err != nil {
			return nil, err
		}
		if err := addAnalysis(a, g.step.Go.Output, text); err != nil {
			return nil, placed(p.recipe, g.step.Pos, fmt.Errorf("analysing %s: %w", g.step.Go.Output, err))
		}
	}
	return a, nil
}

// analysisTools are what an analysis needs besides the program's own.
type analysisTools struct {
	program, source, advisories llb.State
	// minor is the N of the Go 1.N that compiled the program.
	minor string
}

func (e *Engine) analysisTools(p *Plan, in ReachInput) (t analysisTools, err error) {
	goos, arch, _ := strings.Cut(p.target.Builder, "/")
	program, source, err := in.Analyser(arch)
	if err != nil {
		return t, err
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return t, fmt.Errorf("reading the program that analyses source: %w", err)
	}
	_, t.minor, _ = strings.Cut(version.Lang(info.GoVersion), ".")
	image := func(mode int64, files map[string][]byte) (llb.State, error) {
		return e.filesImage(goos, arch, "what analyses source", mode, files)
	}
	if t.program, err = image(0o555, map[string][]byte{analyser: program}); err != nil {
		return t, err
	}
	if t.source, err = image(0o444, source); err != nil {
		return t, err
	}
	t.advisories, err = image(0o444, in.Advisories)
	return t, err
}

// analysis is a step that analyses the program in place of building it.
func (p *Plan) analysis(g goProgram, t analysisTools) llb.State {
	s := g.step
	args := []string{t.minor, "-format", "json", "-scan", "symbol", "-db", "file://" + advisoriesDir}
	if len(g.tags) > 0 {
		args = append(args, "-tags", strings.Join(g.tags, ","))
	}
	args = append(args, s.Go.Package)
	opts := slices.Concat(p.options(s, s.Go.Dir, s.Go.Env, shell(analyseScript, append([]string{"kiln"}, args...)...)), g.sees, []llb.RunOption{
		p.name(s.Pos, "analyse "+s.Go.Package), llb.AddMount(analyserDir, t.program, llb.Readonly),
		llb.AddMount(analyserSource, t.source, llb.Readonly), llb.AddMount(advisoriesDir, t.advisories, llb.Readonly),
	})
	return g.root.Run(opts...).AddMount(analysisDir, llb.Scratch())
}

// analyse carries out an analysis and returns its output.
func (e *Engine) analyse(ctx context.Context, p *Plan, st llb.State) (string, error) {
	sp, err := spool.New("")
	if err != nil {
		return "", err
	}
	defer sp.Close() //nolint:errcheck // nothing is lost
	entries, err := e.export(ctx, p, st, "analysing", sp)
	if err != nil {
		return "", err
	}
	for _, f := range entries {
		if f.Path == "/"+analysisFile && f.Type == tar.TypeReg {
			return text(f)
		}
	}
	return "", errors.New("analysing: there is no result")
}

// ReadAnalyser returns the program that analyses Go programs and the files of
// its source, which stand beside kiln, the program self, or says how they come
// there.
func ReadAnalyser(self, arch string) (program []byte, source map[string][]byte, err error) {
	beside := path.Join(path.Dir(self), "kiln-govulncheck")
	if program, err = os.ReadFile(beside + "-" + arch); err == nil {
		source, err = readTar(beside + ".tar.gz")
	}
	if err != nil {
		return nil, nil, &runnerError{fmt.Errorf("reading the program that analyses source: %w", err)}
	}
	return program, source, nil
}

// readTar returns the text of an archive's files, by path.
func readTar(file string) (map[string][]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if files[path.Clean(h.Name)], err = io.ReadAll(t); err != nil {
			return nil, err
		}
	}
}
