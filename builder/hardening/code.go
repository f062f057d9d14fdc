package hardening

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
)

// maxCode is the limit on how much of a file's code is looked at, in bytes.
const maxCode = 512 << 20

// text is the code of a file, or nothing where it cannot be read.
func text(f *elf.File) []byte {
	s := f.Section(".text")
	if s == nil || s.Type != elf.SHT_PROGBITS || s.Flags&elf.SHF_EXECINSTR == 0 || s.Size > maxCode {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(s.Open(), maxCode))
	if err != nil {
		return nil
	}
	return b
}

// checksCanary finds code that reads the canary, where no symbol is left to
// tell: on amd64 it lies at %fs:0x28 (System V ABI for x86-64, and glibc's
// tcbhead_t). On arm64 it is a symbol of the loader, which stays.
func checksCanary(machine elf.Machine, code []byte) bool {
	if machine != elf.EM_X86_64 {
		return false
	}
	at := []byte{0x25, 0x28, 0, 0, 0}
	for {
		i := bytes.Index(code, at)
		if i < 0 {
			return false
		}
		// 64 is %fs, 48 and 4c a register of 64 bits, then the operation and
		// its register, with an absolute address.
		if i >= 4 && code[i-4] == 0x64 && code[i-3]&0xfb == 0x48 && code[i-1]&0xc7 == 0x04 {
			return true
		}
		code = code[i+len(at):]
	}
}

// buffers counts the instructions that make a call's argument of the address
// of something on the stack: where -fstack-protector-strong puts a canary.
func buffers(machine elf.Machine, code []byte) int {
	switch machine {
	case elf.EM_X86_64:
		return buffersAMD64(code)
	case elf.EM_AARCH64:
		return buffersARM64(code)
	}
	return 0
}

// buffersAMD64 counts lea N(%rsp), and mov %rsp, into one of the six registers
// that arguments are passed in: rdi, rsi, rdx, rcx, r8, r9.
func buffersAMD64(code []byte) int {
	const lea, mov, base = 0x8d, 0x89, 0x24
	n := 0
	for i := 1; i+2 <= len(code); i++ {
		switch code[i] {
		case lea:
			if i+2 < len(code) && code[i+2] == base && argument(code[i-1], code[i+1]) {
				n++
			}
		case mov:
			if movesStack(code[i-1], code[i+1]) {
				n++
			}
		}
	}
	return n
}

func movesStack(rex, modrm byte) bool {
	const rdi, rsi, rdx, rcx, r8, r9 = 0xe7, 0xe6, 0xe2, 0xe1, 0xe0, 0xe1
	switch rex {
	case 0x48:
		return modrm == rdi || modrm == rsi || modrm == rdx || modrm == rcx
	case 0x49:
		return modrm == r8 || modrm == r9
	}
	return false
}

func argument(rex, modrm byte) bool {
	if mode := modrm >> 6; mode != 1 && mode != 2 || modrm&7 != 4 {
		return false
	}
	switch reg := modrm >> 3 & 7; rex {
	case 0x48:
		return reg == 7 || reg == 6 || reg == 2 || reg == 1
	case 0x4c:
		return reg == 0 || reg == 1
	}
	return false
}

// buffersARM64 counts add xN, sp, #M with N below 8.
func buffersARM64(code []byte) int {
	n := 0
	for ; len(code) >= 4; code = code[4:] {
		const immediate, mask, sp = 0x91000000, 0xff800000, 31
		w := binary.LittleEndian.Uint32(code)
		if w&mask == immediate && w>>5&31 == sp && w&31 < 8 {
			n++
		}
	}
	return n
}
