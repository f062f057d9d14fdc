package linked

import (
	"cmp"
	"slices"
	"strings"
)

// Found is an archive of which a program has something.
type Found struct {
	// Archive is the path of the archive.
	Archive string
	// Members are the names of the objects whose code was recognised, sorted,
	// of All that it has.
	Members []string
	All     int
}

// spot is where a program has a code.
type spot struct {
	place
	start, end uint64
}

// attribute gives each spot to one archive, to that with the most first.
func (x *Index) attribute(spots []spot) []Found {
	spots = x.distinct(spots)
	var all []Found
	for len(spots) > 0 {
		weights := map[int]int64{}
		for _, s := range spots {
			weights[s.archive] += x.code(s.place).Weight
		}
		best := spots[0].archive
		for i, w := range weights {
			if w > weights[best] || w == weights[best] && i < best {
				best = i
			}
		}
		if weights[best] < enough {
			break
		}
		var own []spot
		own, spots = split(spots, best)
		all = append(all, x.found(best, own))
	}
	slices.SortFunc(all, func(a, b Found) int { return strings.Compare(a.Archive, b.Archive) })
	return all
}

// distinct are the spots whose code one member alone has, and the program
// once. What several objects have comes from a header, or is what compilers
// make of any such function, and any program may have it; a linker takes an
// object but once. The same object may be in several archives.
func (x *Index) distinct(spots []spot) []spot {
	times := map[place]int{}
	members := map[uint64]string{} // by where they start, empty for several
	for _, s := range spots {
		times[s.place]++
		name := x.code(s.place).Member
		if have, ok := members[s.start]; ok && have != name {
			name = ""
		}
		members[s.start] = name
	}
	return slices.DeleteFunc(spots, func(s spot) bool { return times[s.place] > 1 || members[s.start] == "" })
}

// split returns the spots of an archive, and those of others that are
// elsewhere.
func split(spots []spot, archive int) (own, others []spot) {
	for _, s := range spots {
		if s.archive == archive {
			own = append(own, s)
		} else {
			others = append(others, s)
		}
	}
	slices.SortFunc(own, func(a, b spot) int { return cmp.Compare(a.start, b.start) })
	return own, slices.DeleteFunc(others, func(s spot) bool {
		i, _ := slices.BinarySearchFunc(own, s.end, func(o spot, end uint64) int { return cmp.Compare(o.start, end) })
		return i > 0 && own[i-1].end > s.start
	})
}

func (x *Index) found(archive int, spots []spot) Found {
	a := x.archives[archive]
	f := Found{Archive: a.Path, All: a.Members}
	for _, s := range spots {
		f.Members = append(f.Members, x.code(s.place).Member)
	}
	slices.Sort(f.Members)
	f.Members = slices.Compact(f.Members)
	return f
}
