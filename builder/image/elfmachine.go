package image

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"strings"

	"github.com/kiln-build/kiln/builder/layer"
)

// MachineError says that a program of the image is for another processor than
// the image.
type MachineError struct {
	// Path is that of the program, Machine what it is for, Platform the
	// image's.
	Path, Machine, Platform string
}

func (e *MachineError) Error() string {
	return fmt.Sprintf("%s is a program for %s, which %s does not run", e.Path, e.Machine, e.Platform)
}

// Hint is the way out.
func (e *MachineError) Hint() string {
	return "its step compiles for the machine of the build; have it use $CC, $GOARCH or $KILN_TRIPLET, or set build.native"
}

var machines = map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64}

// checkMachine refuses ELF files of the service for another machine than the
// image's. Those for machines without an operating system, as firmware and
// BPF are, pass: it is no processor of the host that runs them.
func (a *assembly) checkMachine(service []layer.Entry) error {
	want, ok := machines[a.Platform]
	if !ok {
		return nil
	}
	for _, e := range service {
		machine, err := machineOf(e)
		if err != nil {
			return err
		}
		if hosts(machine) && machine != want {
			return &MachineError{Path: e.Path, Machine: strings.TrimPrefix(machine.String(), "EM_"), Platform: a.Platform}
		}
	}
	return nil
}

// hosts reports whether Linux runs on the machine.
func hosts(m elf.Machine) bool {
	switch m {
	case elf.EM_X86_64, elf.EM_386, elf.EM_AARCH64, elf.EM_ARM, elf.EM_RISCV, elf.EM_PPC64, elf.EM_PPC, elf.EM_S390,
		elf.EM_MIPS, elf.EM_LOONGARCH, elf.EM_SPARCV9:
		return true
	}
	return false
}

// machineOf is the machine that an executable or shared library is for, and
// EM_NONE for other files, object files among them.
func machineOf(e layer.Entry) (elf.Machine, error) {
	const header = 20 // up to and with e_machine (System V ABI, "ELF Header")
	if e.Open == nil || e.Size < header {
		return elf.EM_NONE, nil
	}
	r, err := e.Open()
	if err != nil {
		return elf.EM_NONE, err
	}
	defer r.Close()
	var head [header]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return elf.EM_NONE, fmt.Errorf("reading %s: %w", e.Path, err)
	}
	if !bytes.HasPrefix(head[:], []byte(elf.ELFMAG)) {
		return elf.EM_NONE, nil
	}
	number := func(at int) uint16 {
		if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
			return uint16(head[at])<<8 | uint16(head[at+1])
		}
		return uint16(head[at+1])<<8 | uint16(head[at])
	}
	if kind := elf.Type(number(16)); kind != elf.ET_EXEC && kind != elf.ET_DYN {
		return elf.EM_NONE, nil
	}
	return elf.Machine(number(18)), nil
}
