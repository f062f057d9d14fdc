package runner

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEmulated: an emulator is given what the kernel would execute.
func TestEmulated(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	program := write("program", "\x7fELF")
	script := write("script", "#! "+program+" \t-a -b \nexit\n")
	plain := write("plain", "#!"+program)
	nested := write("nested", "#!"+plain+"\n")
	circle := filepath.Join(dir, "circle")
	write("circle", "#!"+circle+"\n")
	for _, c := range []struct {
		program string
		want    []string
	}{
		{program, []string{"-0", "name", program, "x", "y"}},
		{script, []string{"-0", program, program, "-a -b", script, "x", "y"}},
		{plain, []string{"-0", program, program, plain, "x", "y"}},
		{nested, []string{"-0", program, program, plain, nested, "x", "y"}},
		{circle, []string{"-0", circle, circle, circle, circle, circle, circle, "x", "y"}},
		{write("empty", "#!\n"), []string{"-0", "name", filepath.Join(dir, "empty"), "x", "y"}},
		{filepath.Join(dir, "none"), []string{"-0", "name", filepath.Join(dir, "none"), "x", "y"}},
	} {
		run := &confinement{Args: []string{"name", "x", "y"}, Emulator: "/qemu"}
		got, args := run.emulated(c.program)
		if got != "/qemu" {
			t.Errorf("%s: got program %s", c.program, got)
		}
		if diff := cmp.Diff(append([]string{"/qemu"}, c.want...), args); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.program, diff)
		}
	}
	run := &confinement{Args: []string{"name", "x"}}
	if got, args := run.emulated(script); got != script || !cmp.Equal(args, run.Args) {
		t.Errorf("without an emulator: got %s %q", got, args)
	}
}
