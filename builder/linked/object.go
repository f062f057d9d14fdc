package linked

import (
	"debug/elf"
	"encoding/binary"
	"io"
)

// codesOf are the pieces of an object, nil where it is not for the machine or
// no object at all: compilers put other things into archives as well. Sections
// of a group (System V ABI, SHT_GROUP) are left out: a program may have the
// same from a header, such as a template of C++.
func codesOf(r io.ReaderAt, member string, machine elf.Machine) (codes []Code, object bool) {
	f, err := elf.NewFile(r)
	if err != nil || f.Machine != machine || f.Type != elf.ET_REL || f.Class != elf.ELFCLASS64 {
		return nil, false
	}
	changed := map[uint32][]change{}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_RELA { //nolint:misspell // the ABI's word
			continue
		}
		if list, err := changes(s, f.ByteOrder, machine); err == nil {
			changed[s.Info] = append(changed[s.Info], list...)
		}
	}
	const code = elf.SHF_ALLOC | elf.SHF_EXECINSTR
	for i, s := range f.Sections {
		if s.Type != elf.SHT_PROGBITS || s.Flags&(code|elf.SHF_GROUP) != code || s.Size < fewest*runSize {
			continue
		}
		text, err := s.Data()
		if err != nil {
			continue
		}
		if c, ok := newCode(member, text, fixed(len(text), changed[uint32(i)])); ok {
			codes = append(codes, c)
		}
	}
	return codes, true
}

// change is what a linker may do to the bytes from one place to another.
type change struct{ from, to uint64 }

// changes are what the relocations of a section, which have addends (System V
// ABI, "Relocation"), let a linker do.
func changes(s *elf.Section, order binary.ByteOrder, machine elf.Machine) ([]change, error) {
	const size = 24
	data, err := s.Data()
	var list []change
	for ; len(data) >= size; data = data[size:] {
		at, kind := order.Uint64(data), uint32(order.Uint64(data[8:])) //nolint:gosec // ELF64_R_TYPE is the lower half
		before, after := reach(machine, kind)
		list = append(list, change{at - min(at, before), at + after})
	}
	return list, err
}

// reach is how many bytes before and after its place a relocation concerns.
// AArch64 has instructions of four bytes, each with a relocation of its own. On
// x86-64 a linker may put other instructions in the place of those that read
// from the GOT or address a thread's variable, of which the longest take
// sixteen bytes (psABI, "Optimize GOTPCRELX Relocations"; Drepper, "ELF
// Handling For Thread-Local Storage").
func reach(machine elf.Machine, kind uint32) (before, after uint64) {
	if machine == elf.EM_AARCH64 {
		return 0, 4
	}
	switch elf.R_X86_64(kind) {
	case elf.R_X86_64_PC32, elf.R_X86_64_PLT32, elf.R_X86_64_32, elf.R_X86_64_32S:
		return 0, 4
	}
	return 4, 12
}

// fixed says which bytes of a section no linker changes.
func fixed(size int, list []change) []bool {
	stays := make([]bool, size)
	for i := range stays {
		stays[i] = true
	}
	for _, c := range list {
		if end := uint64(size); c.from < end { //nolint:gosec // not negative
			clear(stays[c.from:min(c.to, end)])
		}
	}
	return stays
}
