package archive

import (
	"cmp"
	"fmt"
	"strings"
)

// CompareVersions compares two Debian versions as dpkg does (deb-version(7),
// "Sorting algorithm"). It returns -1, 0 or 1.
func CompareVersions(a, b string) int {
	if a == b {
		return 0
	}
	ae, au, ar := splitVersion(a)
	be, bu, br := splitVersion(b)
	if c := comparePart(ae, be); c != 0 {
		return c
	}
	if c := comparePart(au, bu); c != 0 {
		return c
	}
	return comparePart(ar, br)
}

// splitVersion splits [epoch:]upstream[-revision]. A missing epoch and a
// missing revision sort as zero, which an empty part does as well.
func splitVersion(v string) (epoch, upstream, revision string) {
	if i := strings.IndexByte(v, ':'); i >= 0 {
		epoch, v = v[:i], v[i+1:]
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		v, revision = v[:i], v[i+1:]
	}
	return epoch, v, revision
}

// comparePart compares by turns what is not a digit, by rank, and what is, as
// a number of any length.
func comparePart(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !isDigit(a[0])) || (b != "" && !isDigit(b[0])) {
			if c := cmp.Compare(rank(a), rank(b)); c != 0 {
				return c
			}
			a, b = a[1:], b[1:]
		}
		var an, bn string
		an, a = cutNumber(a)
		bn, b = cutNumber(b)
		if c := cmp.Compare(len(an), len(bn)); c != 0 {
			return c
		}
		if c := strings.Compare(an, bn); c != 0 {
			return c
		}
	}
	return 0
}

// rank orders the first byte of s: the tilde before the end and before digits,
// then letters, then everything else. Equal ranks of bytes that are not digits
// mean equal bytes.
func rank(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z':
		return int(s[0])
	}
	return int(s[0]) + 256
}

// cutNumber cuts the digits off the front of s; leading zeros do not count.
func cutNumber(s string) (number, rest string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return strings.TrimLeft(s[:i], "0"), s[i:]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// checkVersion reports whether v is a version by deb-version(7).
func checkVersion(v string) error {
	epoch, upstream, revision := splitVersion(v)
	for _, c := range []byte(epoch) {
		if !isDigit(c) {
			return fmt.Errorf("version %q: epoch is not a number", v)
		}
	}
	if strings.IndexByte(v, ':') == 0 || upstream == "" || strings.HasSuffix(v, "-") {
		return fmt.Errorf("version %q: a part is empty", v)
	}
	for _, c := range []byte(upstream + revision) {
		if !isDigit(c) && !isLetter(c) && strings.IndexByte(".+-~:", c) < 0 {
			return fmt.Errorf("version %q: character %q is not allowed", v, c)
		}
	}
	return nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
