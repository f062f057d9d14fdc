// Package linked recognises in programs the machine code of static libraries.
//
// A linker copies sections of the objects in an archive as they are, and
// changes only the places that relocations name. Both formats are public
// (System V ABI, "Sections" and "Relocation"; the psABIs of x86-64 and
// AArch64). So what is between those places tells which objects a program is
// made of: whoever linked it, by whatever linker, and also where the objects
// went through another archive, a partial link or strip(1) before.
//
// It is not for source code: a library that is compiled anew is other code, as
// is one that the compiler optimises while linking. What is too short, or
// holds data alone, is not recognised.
//
// [ReadArchive] reads a static library, [NewIndex] prepares the search for
// several, and [Index.Find] searches a program.
package linked

import (
	"bytes"
	"cmp"
	"slices"
)

// Format changes when the same archive gives other codes.
const Format = 1

// Archive is a static library.
type Archive struct {
	// Path is where the build environment has it.
	Path string `json:"path"`
	// Members is how many objects it has, for a machine.
	Members int `json:"members"`
	// Codes are what to know those by that have enough code.
	Codes []Code `json:"codes,omitempty"`
}

// Code is a piece of an object, as a linker copies it.
type Code struct {
	// Member is the object's name.
	Member string `json:"member"`
	// Size is how many bytes it has, and Weight how many of them tell it from
	// others.
	Size   int64 `json:"size"`
	Weight int64 `json:"weight"`
	// Runs are some of those bytes; the first is the one to look for.
	Runs []Run `json:"runs"`
}

// Run is a number of bytes, which are runSize.
type Run struct {
	// At is how far they are from the beginning of the piece.
	At    int64  `json:"at"`
	Bytes []byte `json:"bytes"`
}

const (
	runSize = 16
	// fewest runs make a piece that is no accident; most are kept.
	fewest, most = 4, 8
	// enough is the weight of what makes an archive a part of a program.
	enough = 256
	// lively is how many values the bytes of a run have at least, so that
	// neither padding nor a table serves.
	lively = 8
)

// newCode chooses runs of a member's code, of which fixed says which bytes
// stay. It is false for what is too short or too much alike.
func newCode(member string, code []byte, fixed []bool) (Code, bool) {
	var all []Run
	for at := 0; at+runSize <= len(code); {
		if i := slices.Index(fixed[at:at+runSize], false); i >= 0 {
			at += i + 1
			continue
		}
		if b := code[at : at+runSize]; values(b) >= lively {
			all = append(all, Run{int64(at), slices.Clone(b)})
		}
		at += runSize
	}
	if len(all) < fewest {
		return Code{}, false
	}
	var runs []Run
	for i, n := 0, min(len(all), most); i < n; i++ {
		runs = append(runs, all[i*len(all)/n])
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return cmp.Compare(values(b.Bytes), values(a.Bytes)) })
	return Code{member, int64(len(code)), int64(len(all) * runSize), runs}, true
}

// values is how many values the bytes have.
func values(b []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// in reports whether text has the piece where its first run is at.
func (c Code) in(text []byte, at int) bool {
	start := int64(at) - c.Runs[0].At
	return start >= 0 && !slices.ContainsFunc(c.Runs, func(r Run) bool {
		from := start + r.At
		return from+runSize > int64(len(text)) || !bytes.Equal(text[from:from+runSize], r.Bytes)
	})
}
