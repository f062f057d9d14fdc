package bitwise

import (
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"strconv"

	"github.com/kiln-build/kiln/builder/spool"
)

// programs compares two ELF files section by section. It reports whether both
// are ELF files in which the difference could be placed.
func (c *comparison) programs(where string, a, b spool.File) (bool, error) {
	left, right := sections(a), sections(b)
	if left == nil || right == nil {
		return false, nil
	}
	before := len(c.found)
	for _, name := range names(left, right) {
		l, inLeft := left[name]
		r, inRight := right[name]
		at := where + " " + name
		switch {
		case !inRight:
			c.add(at, "the section is in the first alone (%d bytes)", l.size)
		case !inLeft:
			c.add(at, "the section is in the second alone (%d bytes)", r.size)
		case l.sum != r.sum:
			first, count, err := firstDifference(l.open(), r.open())
			if err != nil {
				return true, err
			}
			c.add(at, "section content: %s", bytesDiffer(first, count, l.size, r.size))
		case l.header != r.header:
			c.add(at, "section header: %s against %s", l.header, r.header)
		}
	}
	return len(c.found) > before, nil
}

// section is one of an ELF file's.
type section struct {
	header string // what the section's header says of it besides its place
	size   int64  // in the file
	sum    [sha256.Size]byte
	open   func() io.Reader
}

// sections are those of an ELF file by name; nil where it is none that can be
// read. What lies outside of them is not looked at.
func sections(f spool.File) map[string]section {
	e, err := elf.NewFile(f.ReaderAt())
	if err != nil {
		return nil
	}
	list := map[string]section{}
	for _, s := range e.Sections {
		if s.Type == elf.SHT_NULL {
			continue
		}
		made := section{
			header: fmt.Sprintf("%s, flags %s, address %#x, %d bytes in memory", s.Type, s.Flags, s.Addr, s.Size),
		}
		if s.Type != elf.SHT_NOBITS {
			made.size = int64(s.FileSize) //nolint:gosec // NewFile has refused what is negative
		}
		offset := int64(s.Offset) //nolint:gosec // so it has
		made.open = func() io.Reader { return io.NewSectionReader(f.ReaderAt(), offset, made.size) }
		if made.sum, err = sumOf(made.open()); err != nil {
			return nil
		}
		name := s.Name
		for i := 2; list[name].open != nil; i++ {
			name = s.Name + " " + strconv.Itoa(i)
		}
		list[name] = made
	}
	return list
}

func sumOf(r io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	_, err = io.Copy(h, r)
	h.Sum(sum[:0])
	return sum, err
}
