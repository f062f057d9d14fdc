package builder

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/kiln-build/kiln/recipes"
)

const analysisConfig = `{"config": {"protocol_version": "v1.0.0", "scanner_name": "govulncheck", "scanner_version": "v1.9.0", "go_version": "go1.27.4", "scan_level": "symbol", "scan_mode": "source"}}`

// TestAddAnalysis: of all that is said about an advisory the highest level
// counts, and of the ways there the shortest, in whatever order it comes.
func TestAddAnalysis(t *testing.T) {
	module := `{"finding": {"osv": "GO-1", "trace": [{"module": "a", "version": "v1"}]}}`
	imported := `{"finding": {"osv": "GO-1", "trace": [{"module": "a", "version": "v1", "package": "a/p"}]}}`
	long := `{"finding": {"osv": "GO-1", "trace": [{"module": "a", "package": "a/p", "function": "F", "receiver": "*T"}, {"module": "m", "package": "m", "function": "x"}, {"module": "m", "package": "m", "function": "main"}]}}`
	short := `{"finding": {"osv": "GO-1", "trace": [{"module": "a", "package": "a/p", "function": "F", "receiver": "*T"}, {"module": "m", "package": "m", "function": "main", "position": {"filename": "/src/main.go", "offset": 3, "line": 7, "column": 2}}]}}`
	other := `{"finding": {"osv": "GO-2", "trace": [{"module": "stdlib", "version": "v1", "package": "net/url"}]}}`
	want := []recipes.Reach{
		{Advisory: "GO-1", Module: "a", Level: recipes.ReachCalled, Stack: []string{"m.main main.go:7:2", "a/p.T.F"}},
		{Advisory: "GO-2", Module: "stdlib", Level: recipes.ReachImported},
	}
	for _, order := range [][]string{{module, imported, long, short, other}, {other, short, long, module, imported}} {
		a := &recipes.Analysis{}
		text := analysisConfig + `{"SBOM": {"modules": []}}{"progress": {"message": "x"}}{"osv": {"id": "GO-1"}}` + strings.Join(order, "\n")
		if err := addAnalysis(a, "/usr/bin/m", text); err != nil {
			t.Fatal(err)
		}
		// Another program that only imports it changes nothing.
		if err := addAnalysis(a, "/usr/bin/n", analysisConfig+imported); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&recipes.Analysis{Analyser: "govulncheck v1.9.0", Go: "go1.27.4", Programs: []string{"/usr/bin/m", "/usr/bin/n"}, Reaches: want}, a); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "cut short": analysisConfig + `{"finding": {"osv"`,
		"modules only":     strings.Replace(analysisConfig, `"symbol"`, `"module"`, 1),
		"a binary":         strings.Replace(analysisConfig, `"source"`, `"binary"`, 1),
		"another protocol": strings.Replace(analysisConfig, "v1.0.0", "v2.0.0", 1),
	} {
		if err := addAnalysis(&recipes.Analysis{}, "x", text); err == nil {
			t.Errorf("%s must be an error", name)
		}
	}
}

// TestAnalysisGraph: what is analysed is what is built, without network, and
// what is built does not depend on it.
func TestAnalysisGraph(t *testing.T) {
	p := planOf(t, "testdata/plan/go.yaml")
	if len(p.programs) == 0 {
		t.Fatal("no go step is known")
	}
	g := p.programs[0]
	folder := func(name string) llb.State { return llb.Scratch().File(llb.Mkdir(name, 0o755)) }
	st := p.analysis(g, analysisTools{folder("/tool"), folder("/source"), folder("/db"), "26"})
	analysed := false
	for _, op := range operations(t, st) {
		exec := op.GetExec()
		if exec == nil {
			continue
		}
		if exec.Network != pb.NetMode_NONE {
			t.Errorf("%q has network", exec.Meta.Args)
		}
		if strings.Contains(strings.Join(exec.Meta.Args, " "), analyserDir) {
			analysed = true
			got := strings.Join(exec.Meta.Args[4:], " ")
			if want := "26 -format json -scan symbol -db file://" + advisoriesDir; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, g.step.Go.Package) {
				t.Errorf("it runs %s", got)
			}
		}
	}
	if !analysed {
		t.Error("nothing is analysed")
	}
}

func TestAnalysable(t *testing.T) {
	goStep := "    - go: {package: ., output: /usr/bin/x}\n"
	for steps, want := range map[string]string{
		goStep: "",
		goStep + "    - run: [install, -D, a, /out/a]":                       "",
		goStep + "    - run: |\n        mkdir -p x && cp a \"$DESTDIR/a\"\n": "",
		goStep + "    - run: [go, build, ./other]":                           "step 2 may compile Go programs, which would not be analysed: it runs go",
		goStep + "    - run: [/usr/bin/install, a, /out/a]":                  "",
		goStep + "    - run: [./install, a]":                                 "it runs ./install",
		goStep + "    - run: tools/cp a b":                                   "it runs tools/cp",
		goStep + "    - run: ./build.sh":                                     "it runs ./build.sh",
		goStep + "    - run: echo $(go build ./other)":                       "it runs go",
		goStep + "    - run: $TOOL build":                                    "it runs what a variable names",
		goStep + "    - make: {}":                                            "it runs make",
		"    - run: [install, -D, a, /out/a]":                                "no step is a go step",
	} {
		r := recipe(t, localSource, steps, "")
		in := Inputs{}
		in.Root.Algorithm, in.Root.Hex = "sha256", digestOf("a")
		in.Fetched = append(in.Fetched, in.Root)
		p, err := NewPlan(r, lockOf(r), "linux/amd64", in)
		if err != nil {
			t.Fatalf("%s: %v", steps, err)
		}
		err = p.analysable()
		var refused *AnalysisError
		if want == "" && err != nil || want != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), want) || refused.Hint() == "") {
			t.Errorf("%s: got %v, want %q", steps, err, want)
		}
	}
}
