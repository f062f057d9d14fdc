package seccomp

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Run with -update to take the tables from golang.org/x/sys/unix anew.
var update = flag.Bool("update", false, "write the tables of names")

func TestTables(t *testing.T) {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "golang.org/x/sys/unix").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		want := table(t, filepath.Join(strings.TrimSpace(string(dir)), "zsysnum_linux_"+arch+".go"))
		file := "names/" + arch + ".txt"
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what golang.org/x/sys/unix has", file)
		}
	}
}

// table is the constants SYS_NAME of a Go file, by number.
func table(t *testing.T, file string) []byte {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[int]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for i, name := range v.Names {
				number, err := strconv.Atoi(v.Values[i].(*ast.BasicLit).Value)
				rest, is := strings.CutPrefix(name.Name, "SYS_")
				is = is && rest != "ARCH_SPECIFIC_SYSCALL"
				if old, known := names[number]; is && err == nil && (!known || rest < old) {
					names[number] = rest
				}
			}
		}
		return true
	})
	var numbers []int
	for n := range names {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	var b bytes.Buffer
	for _, n := range numbers {
		fmt.Fprintf(&b, "%d %s\n", n, strings.ToLower(names[n]))
	}
	return b.Bytes()
}

func TestNames(t *testing.T) {
	got, err := Names("amd64", []int{1, 0, 231, 435})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"clone3", "exit_group", "read", "write"}, got); diff != "" {
		t.Error(diff)
	}
	arm, err := Names("arm64", []int{63})
	if err != nil || !slices.Equal(arm, []string{"read"}) {
		t.Errorf("63 of arm64 is %v, %v", arm, err)
	}
	for arch, n := range map[string]int{"amd64": 100000, "s390x": 1} {
		if got, err := Names(arch, []int{n}); err == nil {
			t.Errorf("%d of %s is %v, want an error", n, arch, got)
		}
	}
}

func TestNew(t *testing.T) {
	p, err := New([]string{"socket", "bind", "read"}, []string{"arm64", "amd64", "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(p.Syscalls[0].Names) || !slices.Contains(p.Syscalls[0].Names, "bind") || slices.Contains(p.Syscalls[0].Names, "ptrace") {
		t.Errorf("names are %v", p.Syscalls[0].Names)
	}
	if diff := cmp.Diff([]string{"SCMP_ARCH_AARCH64", "SCMP_ARCH_X86_64"}, p.Architectures); diff != "" {
		t.Error(diff)
	}
	first, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for range 25 {
		p, _ := New([]string{"read", "socket", "bind", "bind"}, []string{"amd64", "arm64"})
		if again, _ := json.Marshal(p); !bytes.Equal(first, again) {
			t.Fatalf("the profile differs:\n%s\n%s", first, again)
		}
	}
	if _, err := New(nil, []string{"vax"}); err == nil {
		t.Error("a profile for a vax is no error")
	}
}
