package image

import (
	"debug/elf"
	enc "encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

// elsewhere is a machine that is not this one: its platform, Debian's name for
// it, and its number.
func elsewhere() (platform, arch string, machine elf.Machine) {
	if runtime.GOARCH == "arm64" {
		return "linux/amd64", "amd64", elf.EM_X86_64
	}
	return "linux/arm64", "arm64", elf.EM_AARCH64
}

// elfHead is the beginning of an ELF file, and more than a header long.
func elfHead(kind elf.Type, machine elf.Machine) string {
	b := make([]byte, 128)
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	enc.LittleEndian.PutUint16(b[16:], uint16(kind))
	enc.LittleEndian.PutUint16(b[18:], uint16(machine))
	return string(b)
}

func TestMachine(t *testing.T) {
	_, _, other := elsewhere()
	in := newBed(t).input(newRecipe(), binary("/usr/bin/hello", elfHead(elf.ET_DYN, other)))
	_, err := Assemble(t.Context(), in)
	var machine *MachineError
	if !errors.As(err, &machine) || machine.Path != "/usr/bin/hello" || machine.Platform != platform || machine.Hint() == "" {
		t.Errorf("error is %v, want a *MachineError about /usr/bin/hello with a hint", err)
	}
	for name, body := range map[string]string{
		"an object file": elfHead(elf.ET_REL, other), "a program for a kernel": elfHead(elf.ET_EXEC, elf.EM_BPF),
		"no ELF file": "MZ, and more than the header of an ELF file has", "a short file": elf.ELFMAG,
		"of this machine": executable(t, ""),
	} {
		a := &assembly{Input: Input{Platform: platform}}
		if err := a.checkMachine(entries(file("/usr/lib/data", body))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestClosureOfCross: in a build environment of two architectures, what a
// program needs comes from packages of its own.
func TestClosureOfCross(t *testing.T) {
	builder, arch, _ := elsewhere()
	b := withLibc(t)
	b.build(t, "liba1", copyright("liba1"), file(libDir+"/liba.so.1", library(t, "liba.so.1")))
	lock := &b.lock.Platforms[0]
	lock.Builder = builder
	for _, name := range []string{"liba1", "libb1", "tool"} {
		p := b.pkg(t, name, []item{copyright(name)})
		p.Architecture = arch
		lock.Build = append(lock.Build, p)
	}
	b.lists["liba1:"+arch+".list"] = "/usr/lib/elsewhere/liba.so.1\n" + libDir + "/libb.so.1\n"
	b.lists["libb1:"+arch+".list"] = libDir + "/libb.so.1\n"
	b.lists["tool.list"] = libDir + "/libb.so.1\n"

	res := assemble(t, b.input(newRecipe(), binary("/usr/bin/hello", executable(t, "", "liba.so.1"))))
	want := map[string]string{"libc6": loader(t) + " for /usr/bin/hello", "liba1": "liba.so.1 for /usr/bin/hello"}
	if diff := cmp.Diff(want, res.Added); diff != "" {
		t.Error(diff)
	}
	for _, p := range res.Content.Packages {
		if p.Architecture != runtime.GOARCH && p.Architecture != "all" {
			t.Errorf("the image holds %s of %s", p.Name, p.Architecture)
		}
	}
	_, err := Assemble(t.Context(), b.input(newRecipe(), binary("/usr/bin/hello", executable(t, "", "libb.so.1"))))
	var need *NeedError
	if !errors.As(err, &need) || need.Need != "libb.so.1" {
		t.Errorf("error is %v, want a *NeedError about libb.so.1", err)
	}
}

// TestClosureOfSameName: a library of the image's own lock, where the build
// environment has a program's package of the same name.
func TestClosureOfSameName(t *testing.T) {
	builder, arch, _ := elsewhere()
	b := withLibc(t)
	b.image(t, "both", copyright("both"), file(libDir+"/libboth.so.1", library(t, "libboth.so.1")))
	lock := &b.lock.Platforms[0]
	lock.Builder = builder
	p := b.pkg(t, "both", nil)
	p.Architecture = arch
	lock.Build = append(lock.Build, p)
	b.lists["both.list"] = "/usr/bin/both\n"
	res := assemble(t, b.input(newRecipe(), binary("/usr/bin/hello", executable(t, "", "libboth.so.1"))))
	if f, ok := find(res, libDir+"/libboth.so.1"); !ok || f.Owner != recipes.OwnerDebian("both") {
		t.Errorf("libboth.so.1 is of %q, want the package both", f.Owner)
	}
}
