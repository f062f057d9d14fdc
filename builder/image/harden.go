package image

import (
	"archive/tar"
	"fmt"
	"strings"

	"github.com/kiln-build/kiln/builder/hardening"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// harden reads what protects the programs and libraries that the build made,
// and finds what a rule refuses. Those of Debian's packages are as Debian
// builds them, which no recipe can change.
func (a *assembly) harden(service []layer.Entry) ([]Finding, error) {
	var findings []Finding
	for _, e := range service {
		if e.Owner != recipes.OwnerService || e.Type != tar.TypeReg {
			continue
		}
		b, err := readBinary(e)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		a.hardening = append(a.hardening, *b)
		for _, w := range b.Weaknesses() {
			findings = append(findings, Finding{string(w), e.Path, weakness(b, w)})
		}
	}
	return findings, nil
}

// readBinary is nil for what is no ELF file.
func readBinary(e layer.Entry) (*hardening.Binary, error) {
	at, done, err := openMagic(e)
	if at == nil {
		return nil, err
	}
	defer done()
	return hardening.Read(e.Path, at)
}

// weakness says what a binary lacks, and which flags would bring it.
func weakness(b *hardening.Binary, w hardening.Weakness) string {
	switch w {
	case hardening.NoPIE:
		return "it is always loaded at the same address; compile with -fPIE and link with -pie"
	case hardening.NoRELRO:
		return fmt.Sprintf("addresses of functions stay writable (RELRO: %s); link with -Wl,-z,relro,-z,now", b.RELRO)
	case hardening.NoNX:
		return "its stack or another segment is writable and executable; link with -Wl,-z,noexecstack"
	case hardening.NoStackProtector:
		return fmt.Sprintf("%d places pass on addresses of the stack, and nothing checks it; compile with -fstack-protector-strong", b.Buffers)
	case hardening.NoFortify:
		return "it calls " + strings.Join(b.Unchecked(), ", ") + " unchecked; compile with -O2 -D_FORTIFY_SOURCE=3"
	}
	return string(w)
}
