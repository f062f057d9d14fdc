package linked

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// Index searches programs for the code of archives.
type Index struct {
	archives []Archive
	// codes are what may be where a run is, by the hash of the run; likely has
	// a bit for each hash, so that most bytes need no more than that.
	codes  map[uint64][]place
	likely []uint64
}

// place is the place of a code among archives.
type place struct{ archive, code int }

const likelyBits = 22

// NewIndex prepares the search for archives. Their order decides between two
// that hold the same.
func NewIndex(archives []Archive) *Index {
	x := &Index{archives: archives, codes: map[uint64][]place{}, likely: make([]uint64, 1<<likelyBits/64)}
	for i, a := range archives {
		for j, c := range a.Codes {
			h := hash(c.Runs[0].Bytes)
			x.codes[h] = append(x.codes[h], place{i, j})
			x.likely[h>>(64-likelyBits)/64] |= 1 << (h >> (64 - likelyBits) % 64)
		}
	}
	return x
}

// hash is one of runSize bytes.
func hash(b []byte) uint64 {
	const k, l = 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f
	return binary.LittleEndian.Uint64(b)*k ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[8:])*l, 32)*k
}

func (x *Index) code(at place) Code { return x.archives[at.archive].Codes[at.code] }

// Find returns the archives of whose objects the program has code, by path.
// Code that several have counts for the one of which the program has most.
func (x *Index) Find(f *elf.File) ([]Found, error) {
	var all []spot
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_X == 0 {
			continue
		}
		text, err := io.ReadAll(p.Open())
		if err != nil {
			return nil, fmt.Errorf("reading the code of a program: %w", err)
		}
		all = append(all, x.search(text, p.Vaddr)...)
	}
	return x.attribute(all), nil
}

// search returns where codes are in text, which is loaded at an address.
func (x *Index) search(text []byte, address uint64) []spot {
	var all []spot
	for i := 0; i+runSize <= len(text); i++ {
		h := hash(text[i:])
		if x.likely[h>>(64-likelyBits)/64]>>(h>>(64-likelyBits)%64)&1 == 0 {
			continue
		}
		for _, at := range x.codes[h] {
			if c := x.code(at); c.in(text, i) {
				start := address + uint64(int64(i)-c.Runs[0].At)           //nolint:gosec // not negative
				all = append(all, spot{at, start, start + uint64(c.Size)}) //nolint:gosec // nor is this
			}
		}
	}
	return all
}
