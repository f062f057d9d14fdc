package sbom

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"io"
	"runtime/debug"

	rustaudit "github.com/rust-secure-code/go-rustaudit"

	"github.com/kiln-build/kiln/sbom/language"
)

// program is what an ELF file tells of what it is made of.
type program struct {
	path string
	// needed are the names of the shared libraries that it is linked with
	// (System V ABI, DT_NEEDED).
	needed []string
	// build is what the Go linker wrote into it; nil where it has not.
	build *debug.BuildInfo
	// rust says that the Rust compiler made a part of it, and audited that
	// cargo-auditable wrote the list crates into it.
	rust, audited bool
	// rustc is that compiler's version, empty where it is not known.
	rustc  string
	crates []rustaudit.Package
}

// readProgram reads the file at path, nil where it is no ELF file.
func (d *description) readProgram(path string) (*program, error) {
	f, err := d.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := &language.FaultReader{ReaderAt: f}
	magic := make([]byte, 4)
	if n, _ := r.ReadAt(magic, 0); n < 4 || string(magic) != elf.ELFMAG {
		return nil, r.Fault
	}
	p := &program{path: path}
	// It has no error to tell a file without build info by.
	if p.build, err = buildinfo.Read(r); err != nil {
		p.build = nil
	}
	p.readHeaders(r)
	p.readCrates(r)
	return p, r.Fault
}

// readHeaders reads what the program is linked with, and whether Rust is in
// it. A file that only begins like an ELF file has nothing.
func (p *program) readHeaders(r io.ReaderAt) {
	f, err := elf.NewFile(r)
	if err != nil {
		return
	}
	if p.needed, err = f.DynString(elf.DT_NEEDED); err != nil {
		p.needed = nil // it is linked statically
	}
	if s := f.Section(".comment"); s != nil && s.Size < maxComment {
		text, err := s.Data()
		_, said, found := bytes.Cut(text, []byte("rustc version "))
		if p.rust = err == nil && found; p.rust {
			version, _, _ := bytes.Cut(said, []byte(" "))
			p.rustc = string(version)
		}
	}
}

const maxComment = 1 << 20

// readCrates reads the list of crates that cargo-auditable writes
// (github.com/rust-secure-code/cargo-auditable, PARSING.md). Of a list that
// makes no sense it is only known that Rust is in the program.
func (p *program) readCrates(r io.ReaderAt) {
	audit, err := rustaudit.GetDependencyInfo(r)
	switch {
	case err == nil:
		p.rust, p.audited, p.crates = true, true, audit.Packages
	case !errors.Is(err, rustaudit.ErrUnknownFileFormat) && !errors.Is(err, rustaudit.ErrNoRustDepInfo):
		p.rust = true
	}
}
