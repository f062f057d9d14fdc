package engine_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
)

// TestStepsWithoutNetwork checks what hermetic builds rest on: such a step
// reaches nothing, not even this machine.
func TestStepsWithoutNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := connect(t, newConfig(t))
	r := newRootfs(t)
	for _, tt := range []struct {
		name string
		mode llb.RunOption
		want string
	}{
		{"none", llb.Network(llb.NetModeNone), "unreachable"},
		{"default", llb.Network(llb.NetModeSandbox), "reached"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := output(t, func(out string) error {
				s := r.run([]string{"network", l.Addr().String()}, tt.mode).AddMount("/out", llb.Scratch())
				return solve(t.Context(), e, s, out, r.stores)
			})
			t.Logf("interfaces:\n%s", got)
			if !strings.Contains(got, "\n"+tt.want) {
				t.Errorf("step printed\n%swant a line %s", got, tt.want)
			}
			if ifs := strings.Count(got, "\n") - 1; tt.name == "none" && ifs != 1 {
				t.Errorf("step has %d interfaces, want loopback alone", ifs)
			}
		})
	}
}

func output(t *testing.T, solve func(out string) error) string {
	t.Helper()
	out := t.TempDir()
	if err := solve(out); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(out, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
