package hardening

import (
	"fmt"
	"slices"
	"strings"
)

// Weakness is a protection that a binary could have had and has not.
type Weakness string

// The weaknesses.
const (
	NoPIE            Weakness = "no-pie"
	NoRELRO          Weakness = "no-relro"
	NoNX             Weakness = "no-nx"
	NoStackProtector Weakness = "no-stack-protector"
	NoFortify        Weakness = "no-fortify"
)

// fewBuffers is how many places that pass on the address of something on the
// stack may stand in code without a canary. It may be a parameter's, for which
// compilers make none, and hand-written assembler has some.
const fewBuffers = 8

// Weaknesses are what the binary lacks, in the order of the constants. Only
// what is evident counts: languages that check accesses themselves need no
// canary, nor do programs without a buffer on the stack. Go's own linker
// makes no position-independent program that does without a dynamic loader,
// and a loader would cost more than it brings there, so static ones may stay.
func (b *Binary) Weaknesses() []Weakness {
	var all []Weakness
	add := func(w Weakness, lacking bool) {
		if lacking {
			all = append(all, w)
		}
	}
	unsafe := b.Language == "c" || b.Language == "c++"
	add(NoPIE, b.Kind == Program && !b.PIE && (!b.Static || b.Language != "go"))
	add(NoRELRO, b.RELRO == RELRONone || b.RELRO == RELROPartial)
	add(NoNX, !b.NX)
	add(NoStackProtector, unsafe && !b.Canary && b.Buffers > fewBuffers)
	add(NoFortify, unsafe && len(b.Fortified) == 0 && len(b.Unchecked()) > 0)
	return all
}

// Unchecked are the calls that -D_FORTIFY_SOURCE would have made checked ones.
func (b *Binary) Unchecked() []string {
	return slices.DeleteFunc(slices.Clone(b.Unfortified), func(name string) bool { return !always[name] })
}

// String is the protections that b has, for people.
func (b *Binary) String() string {
	var has []string
	add := func(name string, ok bool) {
		if ok {
			has = append(has, name)
		}
	}
	add("PIE", b.PIE && b.Kind == Program)
	add(b.RELRO+" RELRO", b.RELRO == RELROFull || b.RELRO == RELROPartial)
	add("NX", b.NX)
	add("stack protector", b.Canary)
	add(fmt.Sprintf("fortified %d of %d", len(b.Fortified), len(b.Fortified)+len(b.Unfortified)), len(b.Fortified) > 0)
	add("IBT", b.IBT)
	add("SHSTK", b.SHSTK)
	add("BTI", b.BTI)
	add("PAC", b.PAC)
	if len(has) == 0 {
		return "nothing"
	}
	return strings.Join(has, ", ")
}
