package hardening

import (
	"debug/elf"
	"io"
)

// Program properties (Linux Extensions to gABI, "Program Property"; System V
// ABI for x86-64, section on GNU_PROPERTY_X86_FEATURE_1_AND; ELF for the Arm 64-bit
// Architecture, "Program Property").
const (
	noteProperty    = 5 // NT_GNU_PROPERTY_TYPE_0
	x86Feature1And  = 0xc0000002
	aarch64Feature1 = 0xc0000000
	firstBit        = 1 // IBT, BTI
	secondBit       = 2 // SHSTK, PAC
)

// guards reads which guards of control flow the code is compiled for.
func (b *Binary) guards(f *elf.File) {
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE || p.Align != 8 {
			continue // properties are aligned to 8 bytes in files of 64 bits
		}
		const longest = 64 << 10
		data, err := io.ReadAll(io.LimitReader(p.Open(), longest))
		if err != nil {
			return
		}
		b.notes(f, data)
	}
}

// notes reads the notes of one segment: sizes of name and content, a type,
// the name, the content.
func (b *Binary) notes(f *elf.File, data []byte) {
	const align, head = 8, 12
	for len(data) >= head {
		name, size := uint64(f.ByteOrder.Uint32(data)), uint64(f.ByteOrder.Uint32(data[4:]))
		kind := f.ByteOrder.Uint32(data[8:])
		from := roundUp(head+name, align)
		to := from + size
		if to > uint64(len(data)) {
			return
		}
		if kind == noteProperty && name == 4 && string(data[head:head+3]) == "GNU" {
			b.properties(f, data[from:to])
		}
		data = data[min(roundUp(to, align), uint64(len(data))):]
	}
}

// properties reads a list of type, size and content, each aligned to 8 bytes.
func (b *Binary) properties(f *elf.File, data []byte) {
	const align, head = 8, 8
	for len(data) >= head {
		kind, size := f.ByteOrder.Uint32(data), uint64(f.ByteOrder.Uint32(data[4:]))
		to := head + size
		if to > uint64(len(data)) {
			return
		}
		if size == 4 {
			b.feature(f.Machine, kind, f.ByteOrder.Uint32(data[head:]))
		}
		data = data[min(roundUp(to, align), uint64(len(data))):]
	}
}

func (b *Binary) feature(m elf.Machine, kind, bits uint32) {
	first, second := bits&firstBit != 0, bits&secondBit != 0
	switch {
	case m == elf.EM_X86_64 && kind == x86Feature1And:
		b.IBT, b.SHSTK = first, second
	case m == elf.EM_AARCH64 && kind == aarch64Feature1:
		b.BTI, b.PAC = first, second
	}
}

func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }
