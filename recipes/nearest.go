package recipes

import (
	"fmt"
	"slices"
	"strings"
)

// Nearest is the one of names that word is most likely a slip of, or "" where
// none is near. Of two that are equally near the first wins. Near is also what
// word begins with, as in "golang".
func Nearest(word string, names []string) string {
	best, bestDistance := "", len(word)/3+2
	for _, n := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(n)); d < bestDistance && d < len(n) {
			best, bestDistance = n, d
		}
	}
	if best == "" {
		i := slices.IndexFunc(names, func(n string) bool { return len(n) > 1 && strings.HasPrefix(word, n) })
		if i >= 0 {
			best = names[i]
		}
	}
	return best
}

// hint names the nearest of names, or all of them where none is near; kind is
// their noun in the plural.
func hint(word, kind string, names []string) string {
	if n := Nearest(word, names); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return listing(kind, names)
}

func listing(kind string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return kind + ": " + strings.Join(names, ", ")
}

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours between a and b (optimal string alignment), in bytes.
func distance(a, b string) int {
	const far = 64 // no name is that long; bounds the work for hostile input
	if len(a) > far || len(b) > far {
		return far
	}
	older, old := []int(nil), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := slices.Repeat([]int{i}, len(b)+1)
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old = old, row
	}
	return old[len(b)]
}
