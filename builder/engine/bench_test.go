package engine_test

import (
	"fmt"
	"testing"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/builder/engine"
)

// BenchmarkStart starts an engine whose cache is there already.
func BenchmarkStart(b *testing.B) {
	cfg := newConfig(b)
	for b.Loop() {
		disconnect(b, connect(b, cfg))
		b.StopTimer()
		if err := engine.Stop(b.Context(), cfg, false); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkConnect connects to a running engine.
func BenchmarkConnect(b *testing.B) {
	cfg := newConfig(b)
	connect(b, cfg)
	for b.Loop() {
		disconnect(b, connect(b, cfg))
	}
}

// BenchmarkSolveCached solves what is in the cache.
func BenchmarkSolveCached(b *testing.B) {
	e := connect(b, newConfig(b))
	for b.Loop() {
		solveFile(b, e, "same")
	}
}

// BenchmarkSolveFile makes another file each time.
func BenchmarkSolveFile(b *testing.B) {
	e := connect(b, newConfig(b))
	n := 0
	for b.Loop() {
		n++
		solveFile(b, e, fmt.Sprint(n))
	}
}

// BenchmarkSteps runs steps that do nothing, none of them cached; less the
// time of BenchmarkSolveFile, each is the price of a container.
func BenchmarkSteps(b *testing.B) {
	for _, steps := range []int{1, 5} {
		b.Run(fmt.Sprint(steps), func(b *testing.B) {
			e := connect(b, newConfig(b))
			r := newRootfs(b)
			runStep(b, e, r, "true")
			for b.Loop() {
				s := r.state
				for range steps {
					s = s.Run(llb.Args([]string{"/step", "true"}), llb.Network(llb.NetModeNone), llb.IgnoreCache).Root()
				}
				if err := solve(b.Context(), e, s, "", r.stores); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
