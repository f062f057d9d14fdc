package hardening

import (
	"debug/elf"
	"maps"
	"slices"
	"strings"
)

// symbols are the names that a file uses.
type symbols map[string]bool

// symbolsOf are the functions that a file imports, or, of a static one, which
// may still have a dynamic symbol or two, those that were linked into it.
func symbolsOf(f *elf.File, static bool) symbols {
	s := symbols{}
	list, err := f.DynamicSymbols()
	if err != nil || static || len(list) == 0 {
		list, err = f.Symbols()
	}
	if err != nil {
		return s
	}
	for _, y := range list {
		name, _, _ := strings.Cut(y.Name, "@")
		s[name] = true
	}
	return s
}

func (s symbols) canary() bool {
	return s["__stack_chk_fail"] || s["__stack_chk_guard"] || s["__stack_chk_fail_local"]
}

// fortify sorts the functions of the C library that have a checked variant.
func (b *Binary) fortify(s symbols) {
	if !b.glibc {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if plain, ok := checked(name); ok {
			b.Fortified = append(b.Fortified, plain)
		} else if fortifiable[name] {
			b.Unfortified = append(b.Unfortified, name)
		}
	}
}

// checked is the function F of a variant, which is called __F_chk.
func checked(name string) (string, bool) {
	plain, ok := strings.CutSuffix(name, "_chk")
	plain, prefixed := strings.CutPrefix(plain, "__")
	return plain, ok && prefixed && fortifiable[plain]
}

// fortifiable are the functions that have a checked variant, as libc.so.6 of
// glibc 2.41 exports them.
var fortifiable = set(`asprintf confstr dprintf explicit_bzero fdelt fgets fgets_unlocked fgetws fgetws_unlocked
	fprintf fread fread_unlocked fwprintf getcwd getdomainname getgroups gethostname getlogin_r gets getwd inet_ntop inet_pton
	longjmp mbsnrtowcs mbsrtowcs mbstowcs memcpy memmove mempcpy memset obstack_printf obstack_vprintf poll ppoll pread pread64
	printf ptsname_r read readlink readlinkat realpath recv recvfrom snprintf sprintf stpcpy stpncpy strcat strcpy strlcat
	strlcpy strncat strncpy swprintf syslog ttyname_r vasprintf vdprintf vfprintf vfwprintf vprintf vsnprintf vsprintf
	vswprintf vsyslog vwprintf wcpcpy wcpncpy wcrtomb wcscat wcscpy wcslcat wcslcpy wcsncat wcsncpy wcsnrtombs wcsrtombs
	wcstombs wctomb wmemcpy wmemmove wmempcpy wmemset wprintf`)

// always are those that _FORTIFY_SOURCE makes checked ones wherever they are
// called (bits/stdio2.h, bits/syslog.h). The others stay what they are where
// the compiler does not know how large the buffer is, which says nothing.
var always = set(`asprintf dprintf fprintf fwprintf printf syslog vasprintf vdprintf vfprintf vfwprintf vprintf vsyslog vwprintf wprintf`)

func set(list string) map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(list) {
		m[name] = true
	}
	return m
}
