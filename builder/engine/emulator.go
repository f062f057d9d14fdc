package engine

import (
	"debug/elf"
	"slices"
)

// Emulator finds qemu's user-mode emulator of an architecture, by Go's name of
// it, among the programs in env's PATH. It is a static program, so that it runs
// in any container. Where there is none, the path is empty.
func Emulator(env []string, arch string) string {
	name := arch
	if qemu, ok := map[string]string{"arm64": "aarch64", "amd64": "x86_64", "386": "i386"}[arch]; ok {
		name = qemu
	}
	// Debian's names before and since its emulators are all static.
	for _, program := range []string{"qemu-" + name + "-static", "qemu-" + name} {
		if path := lookPath(env, program); path != "" && isStatic(path) {
			return path
		}
	}
	return ""
}

// isStatic reports whether a program needs no loader.
func isStatic(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // only read
	return !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}
