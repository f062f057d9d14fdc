// Package hardening reads from an ELF file what protects the process that it
// becomes: position independence, read-only relocations, a stack that is not
// executable, stack canaries, checked calls of the C library, and the
// processor's guards of control flow.
//
// It tells facts; [Binary.Weaknesses] are those that a compiler's usual flags
// would have prevented. Whether they matter is the caller's business. Start at
// [Read].
package hardening

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"strings"
)

// Binary is what an executable or a shared library says about itself.
type Binary struct {
	// Path is where it is in the image.
	Path string `json:"path"`
	// Kind is "program" or "library".
	Kind string `json:"kind"`
	// Language is "go", "rust", "c++" or "c", of what it was compiled from, as
	// far as the compiler left its name; else "".
	Language string `json:"language,omitempty"`
	// Static is whether it names no dynamic loader and no library.
	Static bool `json:"static"`
	// PIE is whether it can be loaded anywhere; libraries always can.
	PIE bool `json:"pie"`
	// RELRO is "full" where everything that the loader relocates is read-only
	// afterwards, "partial" where addresses of functions stay writable, "none",
	// or "" where no loader relocates anything.
	RELRO string `json:"relro,omitempty"`
	// NX is whether neither the stack nor anything else is both writable and
	// executable.
	NX bool `json:"nx"`
	// Canary is whether functions check a canary on the stack.
	Canary bool `json:"stackProtector"`
	// Buffers is how many places pass the address of a local variable on, where
	// a canary would be expected; only counted without one, and not in Go and Rust.
	Buffers int `json:"unprotectedBuffers,omitempty"`
	// Fortified and Unfortified are the names of C library functions that it
	// calls in the checked variant, and of those that have one but are called
	// without. Of some only the checked variant is expected: see Unchecked.
	Fortified   []string `json:"fortified,omitempty"`
	Unfortified []string `json:"unfortified,omitempty"`
	// IBT and SHSTK are Intel's guards (amd64), BTI and PAC Arm's (arm64).
	IBT   bool `json:"ibt,omitempty"`
	SHSTK bool `json:"shstk,omitempty"`
	BTI   bool `json:"bti,omitempty"`
	PAC   bool `json:"pac,omitempty"`
	// RunPath are the folders that it has the loader search, as written.
	RunPath []string `json:"runPath,omitempty"`
	// Stripped is whether the table of symbols is gone.
	Stripped bool `json:"stripped"`

	glibc bool
}

// Kinds of binaries.
const (
	Program = "program"
	Library = "library"
)

// Values of Binary.RELRO.
const (
	RELROFull    = "full"
	RELROPartial = "partial"
	RELRONone    = "none"
)

// Read reads an ELF file (System V ABI, chapters 4 and 5). What no loader
// loads, as an object file or what is no ELF file at all, is nil.
func Read(path string, r io.ReaderAt) (*Binary, error) {
	f, err := elf.NewFile(r)
	if err != nil || f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN || f.Machine == elf.EM_BPF {
		return nil, nil //nolint:nilerr // no loader takes it either: it is data
	}
	b := &Binary{Path: path, Language: language(f), Stripped: f.Section(".symtab") == nil}
	needed, err := f.DynString(elf.DT_NEEDED)
	if err != nil {
		return nil, fmt.Errorf("reading ELF file %s: %w", path, err)
	}
	b.link(f, needed)
	b.memory(f)
	b.guards(f)
	s := symbolsOf(f, b.Static)
	b.fortify(s)
	if b.Canary = s.canary(); !b.Canary && b.Language != "go" && b.Language != "rust" {
		code := text(f)
		if b.Canary = checksCanary(f.Machine, code); !b.Canary {
			b.Buffers = buffers(f.Machine, code)
		}
	}
	return b, nil
}

// link reads how the file is linked.
func (b *Binary) link(f *elf.File, needed []string) {
	interpreter := segment(f, elf.PT_INTERP) != nil
	flags1 := value(f, elf.DT_FLAGS_1)
	pie := flags1&uint64(elf.DF_1_PIE) != 0
	b.Kind = Program
	if f.Type == elf.ET_DYN && !interpreter && !pie {
		b.Kind = Library
	}
	b.PIE = f.Type == elf.ET_DYN
	b.Static = !interpreter && len(needed) == 0 && b.Kind == Program
	for _, n := range needed {
		b.glibc = b.glibc || n == "libc.so.6"
		if b.Language == "c" && (strings.HasPrefix(n, "libstdc++.so.") || strings.HasPrefix(n, "libc++.so.")) {
			b.Language = "c++"
		}
	}
	b.RELRO = relro(f, flags1)
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		paths, _ := f.DynString(tag) // read with the libraries, which had no error
		for _, p := range paths {
			b.RunPath = append(b.RunPath, strings.Split(p, ":")...)
		}
	}
}

// relro tells what of the relocated addresses stays writable. A file that has
// none to bind late, or binds all of them at once, has full RELRO.
func relro(f *elf.File, flags1 uint64) string {
	late := len(dynamic(f, elf.DT_JMPREL)) > 0
	now := flags1&uint64(elf.DF_1_NOW) != 0 || value(f, elf.DT_FLAGS)&uint64(elf.DF_BIND_NOW) != 0 || len(dynamic(f, elf.DT_BIND_NOW)) > 0
	switch {
	case segment(f, elf.PT_DYNAMIC) == nil:
		return ""
	case segment(f, elf.PT_GNU_RELRO) == nil:
		return RELRONone
	case late && !now:
		return RELROPartial
	}
	return RELROFull
}

// memory reads the permissions of the stack and the segments. Without a word
// on the stack, loaders make it executable.
func (b *Binary) memory(f *elf.File) {
	stack := segment(f, elf.PT_GNU_STACK)
	b.NX = stack != nil && stack.Flags&elf.PF_X == 0
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && p.Flags&elf.PF_W != 0 {
			b.NX = false
		}
	}
}

// language is that of the compilers that left their names. A Rust or Go
// program is linked with a few lines of C, so those count first.
func language(f *elf.File) string {
	if f.Section(".go.buildinfo") != nil || f.Section(".note.go.buildid") != nil {
		return "go"
	}
	s := f.Section(".comment")
	if s == nil {
		return ""
	}
	const longest = 64 << 10
	text, err := io.ReadAll(io.LimitReader(s.Open(), longest))
	switch {
	case err != nil:
		return ""
	case bytes.Contains(text, []byte("rustc version")):
		return "rust"
	case bytes.Contains(text, []byte("GCC:")), bytes.Contains(text, []byte("clang version")):
		return "c"
	}
	return ""
}

func segment(f *elf.File, t elf.ProgType) *elf.Prog {
	for _, p := range f.Progs {
		if p.Type == t {
			return p
		}
	}
	return nil
}

// dynamic are the values of a tag of the dynamic section; of a broken one none.
func dynamic(f *elf.File, tag elf.DynTag) []uint64 {
	values, err := f.DynValue(tag)
	if err != nil {
		return nil
	}
	return values
}

func value(f *elf.File, tag elf.DynTag) uint64 {
	var all uint64
	for _, v := range dynamic(f, tag) {
		all |= v
	}
	return all
}
