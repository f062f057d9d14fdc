package image

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/kiln-build/kiln/builder/layer"
)

// program is what an executable or a shared library says that it needs.
type program struct {
	path string
	// interpreters are the dynamic loader, or what runs a script.
	interpreters []string
	script       bool
	needed       []string
	// runpath are folders to search first; $ORIGIN is replaced.
	runpath []string
}

// readProgram reads the ELF headers (System V ABI, "Dynamic Linking") or the
// first line of a script. It returns nil for a file that is neither.
func readProgram(e layer.Entry) (*program, error) {
	if e.Open == nil || e.Size < 4 {
		return nil, nil
	}
	r, err := e.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	head := make([]byte, min(e.Size, 256))
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte(elf.ELFMAG)):
		return readELF(e)
	case bytes.HasPrefix(head, []byte("#!")) && e.Mode&0o111 != 0:
		return readScript(e.Path, head[2:]), nil
	}
	return nil, nil
}

func readScript(p string, line []byte) *program {
	line, _, _ = bytes.Cut(line, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) == 0 || !path.IsAbs(fields[0]) {
		return nil
	}
	s := &program{path: p, interpreters: fields[:1], script: true}
	if path.Base(fields[0]) != "env" {
		return s
	}
	for _, f := range fields[1:] {
		if strings.HasPrefix(f, "-") || strings.Contains(f, "=") {
			continue // an option, or a variable (env(1))
		}
		if !path.IsAbs(f) {
			f = "/usr/bin/" + f // what env searches PATH for is taken to be Debian's
		}
		return &program{path: p, interpreters: []string{fields[0], f}, script: true}
	}
	return s
}

func readELF(e layer.Entry) (*program, error) {
	f, done, err := openELF(e)
	if f == nil {
		return nil, err
	}
	defer done()
	p := &program{path: e.Path}
	for _, h := range f.Progs {
		if h.Type != elf.PT_INTERP {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(h.Open(), 4096))
		if err != nil {
			return nil, fmt.Errorf("reading ELF file %s: %w", e.Path, err)
		}
		p.interpreters = []string{strings.TrimRight(string(b), "\x00")}
	}
	if p.needed, err = f.DynString(elf.DT_NEEDED); err != nil {
		return nil, fmt.Errorf("reading ELF file %s: %w", e.Path, err)
	}
	p.runpath = searchPath(f, e.Path)
	return p, nil
}

// searchPath is DT_RUNPATH, or DT_RPATH where there is none (ld.so(8)).
func searchPath(f *elf.File, p string) []string {
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		values, err := f.DynString(tag)
		if err != nil || len(values) == 0 {
			continue
		}
		var dirs []string
		for _, v := range values {
			for _, d := range strings.Split(v, ":") {
				d = strings.NewReplacer("$ORIGIN", path.Dir(p), "${ORIGIN}", path.Dir(p)).Replace(d)
				if path.IsAbs(d) {
					dirs = append(dirs, merged(path.Clean(d)))
				}
			}
		}
		return dirs
	}
	return nil
}

// openELF is nil for what is no ELF file, or none that a loader takes.
func openELF(e layer.Entry) (f *elf.File, done func(), err error) {
	at, done, err := openMagic(e)
	if at == nil {
		return nil, nil, err
	}
	if f, err = elf.NewFile(at); err != nil {
		done()
		return nil, nil, nil //nolint:nilerr // no loader takes it either: it is data
	}
	return f, done, nil
}

// openMagic opens a file that begins as ELF files do; of others it is nil.
func openMagic(e layer.Entry) (at io.ReaderAt, done func(), err error) {
	if e.Open == nil || e.Size < int64(len(elf.ELFMAG)) {
		return nil, nil, nil
	}
	r, err := e.Open()
	if err != nil {
		return nil, nil, err
	}
	magic := make([]byte, len(elf.ELFMAG))
	_, err = io.ReadFull(r, magic)
	if err := errors.Join(err, r.Close()); err != nil || string(magic) != elf.ELFMAG {
		return nil, nil, err
	}
	return layer.ReaderAt(e)
}
