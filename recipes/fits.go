package recipes

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Change is an input that a lock and its recipe do not agree on.
type Change struct {
	// Name is that of the input, its path in the recipe.
	Name string
	// Locked and Asked are the values; empty where one side has none.
	Locked, Asked string
	// Pos is where the recipe has it, or would.
	Pos Pos
}

// String says which side has what.
func (c Change) String() string {
	switch {
	case c.Locked == "":
		return fmt.Sprintf("%s: %s is not in the lock", c.Name, c.Asked)
	case c.Asked == "":
		return fmt.Sprintf("%s: the lock has %s, which the recipe does not ask for", c.Name, c.Locked)
	}
	return fmt.Sprintf("%s: the lock has %s, the recipe asks for %s", c.Name, c.Locked, c.Asked)
}

// StaleError says in what a lock does not fit its recipe.
type StaleError struct {
	// File is the recipe's.
	File    string
	Changes []Change
}

// Error has a line for each change, with its place in the recipe.
func (e *StaleError) Error() string {
	var lines []string
	for _, p := range e.Problems() {
		p.Hint = ""
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// Hint is the way out.
func (e *StaleError) Hint() string { return "`kiln lock " + e.File + "` locks it afresh" }

// Problems are the changes as problems of the recipe.
func (e *StaleError) Problems() []Problem {
	var list []Problem
	for _, c := range e.Changes {
		list = append(list, Problem{File: e.File, Pos: c.Pos, Msg: c.String(), Hint: e.Hint()})
	}
	return list
}

// Fits returns a [*StaleError] where the lock was made for other inputs than
// those of r, or pins something else than what its own inputs say.
func (l *Lock) Fits(r *Recipe) error {
	asked := Inputs(r)
	var changes []Change
	for _, in := range asked {
		if locked := find(l.Inputs, in.Name); locked != in.Value {
			changes = append(changes, Change{in.Name, locked, in.Value, r.Pos(in.Name)})
		}
	}
	for _, in := range l.Inputs {
		if find(asked, in.Name) == "" {
			changes = append(changes, Change{in.Name, in.Value, "", r.Pos(in.Name)})
		}
	}
	if len(changes) == 0 {
		changes = contradictions(l, r)
	}
	if len(changes) == 0 {
		return nil
	}
	return &StaleError{File: r.File, Changes: changes}
}

func find(list []Input, name string) string {
	i := slices.IndexFunc(list, func(in Input) bool { return in.Name == name })
	if i < 0 {
		return ""
	}
	return list[i].Value
}

// contradictions are what a lock pins other than its inputs say: an edited, or
// a hostile one.
func contradictions(l *Lock, r *Recipe) []Change {
	var list []Change
	differ := func(name, locked, asked string) {
		if locked != asked {
			list = append(list, Change{name, locked, asked, r.Pos(name)})
		}
	}
	var locked []string
	for _, p := range l.Platforms {
		locked = append(locked, p.Platform)
	}
	differ("platforms", words(locked), words(r.Platforms))
	for i := range max(len(l.Sources), len(r.Sources)) {
		switch at := index("sources", i); {
		case i >= len(r.Sources):
			differ(at, l.Sources[i].Kind, "")
		case i >= len(l.Sources):
			differ(at, "", r.Sources[i].Kind())
		default:
			differ(at, pinned(l.Sources[i], r.Sources[i]), sought(r.Sources[i]))
		}
	}
	return append(list, fetchChanges(l, r)...)
}

// fetchChanges are the steps with network for which the lock has something
// else than the recipe.
func fetchChanges(l *Lock, r *Recipe) []Change {
	var list []Change
	for _, p := range l.Platforms {
		locked, asked := map[int]string{}, map[int]string{}
		for _, f := range p.Fetches {
			locked[f.Step] = "what its " + f.Kind + " step fetches on " + p.Platform
		}
		for i, s := range r.Build.Steps {
			if s.Fetches() {
				asked[i] = "what its " + s.Kind() + " step fetches on " + p.Platform
			}
		}
		steps := slices.Concat(slices.Collect(maps.Keys(locked)), slices.Collect(maps.Keys(asked)))
		slices.Sort(steps)
		for _, i := range slices.Compact(steps) {
			if at := index("build.steps", i); locked[i] != asked[i] {
				list = append(list, Change{at, locked[i], asked[i], r.Pos(at)})
			}
		}
	}
	return list
}

// sought is as much of a source as the recipe itself fixes, and pinned the
// same of its entry in the lock.
func sought(s Source) string {
	switch s.Kind() {
	case KindArchive:
		return KindArchive + " sha256:" + s.Archive.SHA256
	case KindGit:
		return words([]string{KindGit, s.Git.Commit})
	case KindDebian:
		return words([]string{KindDebian, s.Debian.Package, s.Debian.Version})
	case KindLocal:
		return KindLocal
	}
	return KindGo + " " + s.Go
}

func pinned(l LockedSource, s Source) string {
	switch {
	case l.Kind == KindArchive && len(l.Files) == 1:
		return KindArchive + " sha256:" + l.Files[0].SHA256
	case l.Kind == KindGit && s.Git != nil && s.Git.Commit == "":
		return KindGit
	case l.Kind == KindGit:
		return KindGit + " " + l.Commit
	case l.Kind == KindGo:
		return KindGo + " " + l.Name + "@" + l.Version
	case l.Kind == KindDebian && s.Debian != nil && s.Debian.Version == "":
		return words([]string{KindDebian, l.Name})
	case l.Kind == KindLocal:
		return KindLocal
	}
	return words([]string{l.Kind, l.Name, l.Version})
}
