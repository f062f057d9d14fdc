package builder

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/kiln-build/kiln/recipes"
)

var update = flag.Bool("update", false, "write the golden files of testdata/plan anew")

// TestPlan compares the graph of each recipe in testdata/plan with the text
// beside it. `go test ./builder -run TestPlan -update` writes it anew.
func TestPlan(t *testing.T) {
	files, err := filepath.Glob("testdata/plan/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d recipes in testdata/plan, %v; want 5 or more", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			golden := strings.TrimSuffix(file, ".yaml") + ".plan"
			got := planText(t, file)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("plan of %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

func TestPlanIsDeterministic(t *testing.T) {
	for _, file := range []string{"testdata/plan/go.yaml", "testdata/plan/c.yaml", "testdata/plan/git.yaml"} {
		want := marshalled(t, file)
		for i := range 25 {
			if got := marshalled(t, file); !bytes.Equal(got, want) {
				t.Fatalf("%s: plan %d differs from the first", file, i+2)
			}
		}
	}
}

// TestNothingHasNetwork goes through all operations that run something.
func TestNothingHasNetwork(t *testing.T) {
	files, err := filepath.Glob("testdata/plan/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		p := planOf(t, file)
		for _, op := range append(operations(t, p.Artifacts), operations(t, p.Lists)...) {
			if exec := op.GetExec(); exec != nil && exec.Network != pb.NetMode_NONE {
				t.Errorf("%s: %q has network", file, exec.Meta.Args)
			}
		}
	}
}

// TestFetchGraph: a fetch has one operation with network, and sees nothing of
// the source tree but what decides what is fetched.
func TestFetchGraph(t *testing.T) {
	r := load(t, "testdata/plan/go.yaml")
	in := Inputs{Root: v1.Hash{Algorithm: "sha256", Hex: digestOf("a")}, Sources: v1.Hash{Algorithm: "sha256", Hex: digestOf("b")}}
	f, err := NextFetch(r, lockOf(r), "linux/amd64", in)
	if err != nil || f == nil || f.Step != 0 || f.Index != 0 {
		t.Fatalf("the first fetch is %+v, %v", f, err)
	}
	if _, err := NewPlan(r, lockOf(r), "linux/amd64", in); err == nil || err.Error() != "planning step 1: nothing was fetched for it" {
		t.Errorf("a plan without what is fetched: %v", err)
	}
	networked := 0
	for _, op := range operations(t, f.run("1")) {
		if exec := op.GetExec(); exec != nil && exec.Network != pb.NetMode_NONE {
			networked++
			if got := exec.Meta.Args[len(exec.Meta.Args)-1]; got != goFetchScript {
				t.Errorf("%q has network", got)
			}
		}
	}
	if networked != 1 {
		t.Errorf("%d operations have network, want 1", networked)
	}
}

func TestPlanErrors(t *testing.T) {
	r := load(t, "testdata/plan/go.yaml")
	if _, err := NewPlan(r, lockOf(r), "linux/riscv64", Inputs{}); err == nil {
		t.Error("a plan for a platform that the lock lacks: no error")
	}
	r.Build.Steps[0] = recipes.Step{}
	if _, err := NewPlan(r, lockOf(r), "linux/amd64", Inputs{}); err == nil {
		t.Error("a plan with a step of no kind: no error")
	}
}

func load(t testing.TB, file string) *recipes.Recipe {
	t.Helper()
	r, err := recipes.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func digestOf(c string) string { return strings.Repeat(c, 64) }

// lockOf is a lock of made-up packages and sources that fits the recipe.
func lockOf(r *recipes.Recipe) *recipes.Lock {
	pkg := func(name, digest string) recipes.Package {
		return recipes.Package{
			Name: name, Version: "1.0-1", Architecture: "amd64", Archive: "debian", Suite: "trixie",
			Path: "pool/main/" + name + "_1.0-1_amd64.deb", Size: 1000, SHA256: digestOf(digest),
		}
	}
	l := &recipes.Lock{
		Kiln: recipes.FormatVersion, Inputs: recipes.Inputs(r),
		Epoch: recipes.Epoch{Seconds: 1_700_000_000, From: "test"},
		Archives: []recipes.Archive{{
			Archive: "debian", Suite: "trixie", Date: "2026-01-01T00:00:00Z", InRelease: digestOf("9"),
		}},
	}
	for _, s := range r.Sources {
		l.Sources = append(l.Sources, lockedSource(s))
	}
	for _, p := range r.Platforms {
		locked := recipes.LockedPlatform{Platform: p, Image: []recipes.Package{pkg("tzdata", "3")}}
		if r.Builder(p) != p {
			locked.Builder = r.Builder(p)
		}
		if r.Build.Image == "" {
			locked.Build = []recipes.Package{pkg("dash", "1"), pkg("make", "2")}
			locked.Build[0].Essential = true
		}
		if locked.Builder != "" {
			of := pkg("libc6", "6")
			both := []recipes.Package{of, of}
			both[1].Architecture, both[1].SHA256 = Architecture(p), digestOf("7")
			locked.Build = append(locked.Build, both...)
		}
		l.Platforms = append(l.Platforms, locked)
	}
	return l
}

func lockedSource(s recipes.Source) recipes.LockedSource {
	file := recipes.LockedFile{Path: "x.tar.gz", Size: 1000, SHA256: digestOf("4")}
	switch s.Kind() {
	case recipes.KindGit:
		return recipes.LockedSource{Kind: s.Kind(), Name: "x", Commit: strings.Repeat("5", 40)}
	case recipes.KindLocal:
		return recipes.LockedSource{Kind: s.Kind(), Name: s.Local.Path}
	case recipes.KindArchive:
		file.SHA256 = s.Archive.SHA256
	case recipes.KindDebian:
		file.Path, file.Archive = "pool/main/x/x_1.dsc", "debian"
		return recipes.LockedSource{Kind: s.Kind(), Name: s.Debian.Package, Version: "1", Files: []recipes.LockedFile{file}}
	case recipes.KindGo:
		name, version, _ := strings.Cut(s.Go, "@")
		return recipes.LockedSource{Kind: s.Kind(), Name: name, Version: version, Sum: "h1:" + strings.Repeat("A", 43) + "="}
	}
	return recipes.LockedSource{Kind: s.Kind(), Name: "x", Files: []recipes.LockedFile{file}}
}

func planOf(t testing.TB, file string) *Plan {
	t.Helper()
	r := load(t, file)
	in := Inputs{Root: v1.Hash{Algorithm: "sha256", Hex: digestOf("a")}}
	if r.Build.Image != "" {
		in.Env = []string{"PATH=/usr/local/go/bin:/usr/bin:/bin", "GOTOOLCHAIN=local"}
	}
	for _, s := range r.Sources {
		if s.Git == nil {
			in.Sources = v1.Hash{Algorithm: "sha256", Hex: digestOf("b")}
		}
	}
	p, err := NewPlan(r, lockOf(r), r.Platforms[0], fetchedAll(t, r, in))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fetchedAll is in with a made-up result for each fetch.
func fetchedAll(t testing.TB, r *recipes.Recipe, in Inputs) Inputs {
	t.Helper()
	for {
		f, err := NextFetch(r, lockOf(r), r.Platforms[0], in)
		if err != nil {
			t.Fatal(err)
		}
		if f == nil {
			return in
		}
		in.Fetched = append(in.Fetched, v1.Hash{Algorithm: "sha256", Hex: digestOf("f")})
	}
}

func definition(t testing.TB, st llb.State) *llb.Definition {
	t.Helper()
	def, err := st.Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return def
}

func operations(t testing.TB, st llb.State) []*pb.Op {
	t.Helper()
	var ops []*pb.Op
	for _, b := range definition(t, st).Def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(b); err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	return ops
}

// marshalled is what decides the cache keys of a build, byte for byte, with
// the names and places of all operations.
func marshalled(t testing.TB, file string) []byte {
	t.Helper()
	p := planOf(t, file)
	var all [][]byte
	var described []any
	for _, st := range []llb.State{p.Artifacts, p.Lists} {
		def := definition(t, st)
		all = append(all, def.Def...)
		described = append(described, def.Metadata, def.Source)
	}
	text, err := json.Marshal(described)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Join(append(all, text), []byte("\n"))
}

// planText is the graph with its operations numbered, each with its name, its
// line of the recipe, its inputs, and all that it says.
func planText(t testing.TB, file string) []byte {
	t.Helper()
	p := planOf(t, file)
	def := definition(t, p.Artifacts)
	number := map[string]string{}
	var out bytes.Buffer
	for i, b := range def.Def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(b); err != nil {
			t.Fatal(err)
		}
		id := llbDigest(b)
		number[id] = fmt.Sprintf("#%d", i+1)
		fmt.Fprintf(&out, "#%d %s%s\n", i+1, def.Metadata[opDigest(id)].Description["llb.customname"], line(def, id))
		for _, in := range op.Inputs {
			fmt.Fprintf(&out, "  from %s output %d\n", number[in.Digest], in.Index)
		}
		text, err := json.MarshalIndent(op, "  ", "  ")
		if err != nil {
			t.Fatal(err)
		}
		var v struct{ Op json.RawMessage }
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "  %s\n", v.Op)
	}
	return out.Bytes()
}
