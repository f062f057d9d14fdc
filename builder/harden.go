package builder

import "strings"

// hardening are the flags by which C and C++ compilers, linkers and rustc make
// programs harder to attack, as far as the architecture has them, and free of
// the folder that they were built in. Debian's compilers make
// position-independent programs without being told, and -fPIE here would
// reach shared libraries. Go's cgo has variables of its own for the same.
func hardening(arch string) [][2]string {
	flags := []string{"-O2", "-fstack-protector-strong", "-fstack-clash-protection"}
	switch arch {
	case "amd64":
		flags = append(flags, "-fcf-protection")
	case "arm64":
		flags = append(flags, "-mbranch-protection=standard")
	}
	flags = append(flags, "-ffile-prefix-map="+srcDir+"=.")
	const fortify, link = "-D_FORTIFY_SOURCE=3", "-Wl,-z,relro,-z,now"
	c := strings.Join(flags, " ")
	return [][2]string{
		{"CFLAGS", c}, {"CXXFLAGS", c}, {"CPPFLAGS", fortify}, {"LDFLAGS", link},
		{"CGO_CFLAGS", c}, {"CGO_CXXFLAGS", c}, {"CGO_CPPFLAGS", fortify}, {"CGO_LDFLAGS", link},
		{"RUSTFLAGS", "-C relro-level=full -C relocation-model=pie --remap-path-prefix=" + srcDir + "=. --remap-path-prefix=" + debianCrates + "=" + cratesDir},
	}
}

// withMacros are the variables of a build system that reads CFLAGS and
// CXXFLAGS but not CPPFLAGS: what the latter says goes into the former.
func (p *Plan) withMacros(env map[string]string) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"CFLAGS", "CXXFLAGS"} {
		out[name] = strings.TrimSpace(p.value(env, name) + " " + p.value(env, "CPPFLAGS"))
	}
	for name, v := range env {
		if _, ok := out[name]; !ok {
			out[name] = v
		}
	}
	return out
}

// value is what a variable is for a step with this env.
func (p *Plan) value(env map[string]string, name string) string {
	if v, ok := env[name]; ok {
		return v
	}
	value := ""
	for _, kv := range p.variables() {
		if kv[0] == name {
			value = kv[1]
		}
	}
	return value
}
