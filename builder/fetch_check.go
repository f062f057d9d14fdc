package builder

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// recorded is what a fetch asked for, as the lock has it, or why that cannot
// be locked.
func (f *Fetch) recorded(g *gate, c *capture, databases []string) ([]recipes.FetchedFile, error) {
	files := map[string]recipes.FetchedFile{}
	for _, url := range g.asked {
		file := g.files[url]
		if sumdb(file, databases) {
			continue
		}
		if err := f.whole(g, c, url); err != nil {
			return nil, err
		}
		sum, ok := c.digests[url]
		switch was, again := files[nameOf(file)]; {
		case !ok && again: // another mirror of the ecosystem has it
			continue
		case !ok:
			file.Absent = true
		case incidental(file):
		case again && was.SHA256 != "" && was.SHA256 != sum:
			return nil, f.fail(url, "was answered twice, with different bytes", lockAgain(f))
		default:
			file.SHA256 = sum
		}
		files[nameOf(file)] = file
	}
	list := make([]recipes.FetchedFile, 0, len(files))
	for _, file := range files {
		list = append(list, file)
	}
	slices.SortFunc(list, func(a, b recipes.FetchedFile) int { return strings.Compare(nameOf(a), nameOf(b)) })
	return list, nil
}

// asked refuses what the engine let through without asking.
func (f *Fetch) asked(g *gate, c *capture) error {
	for _, url := range slices.Sorted(maps.Keys(c.digests)) {
		if strings.HasPrefix(url, "http") && g.times[url] == 0 {
			return f.fail(url, "was fetched, and the engine did not ask whether it may be", needsProxy)
		}
	}
	return nil
}

// whole says why what was recorded of a URL is not all that the fetch got from
// it.
func (f *Fetch) whole(g *gate, c *capture, url string) error {
	_, got := c.digests[url]
	reasons := c.incomplete[url]
	for _, r := range reasons {
		switch {
		case r == "method_not_materializable":
			return f.fail(url, "is asked for by another method than GET, whose answer cannot be recorded",
				"git repositories are sources; a fetch takes files, each by one GET")
		case r == "partial_response":
			return f.fail(url, "is asked for in parts, which cannot be recorded", "have the command fetch files as a whole")
		case r == "unsuccessful_response" && !got && g.files[url].Ecosystem != recipes.EcosystemURL:
			// Tools of an ecosystem ask whether there is something, and
			// its next mirror.
		case !got:
			return f.fail(url, "was not answered as a whole ("+strings.ReplaceAll(r, "_", " ")+")", "check the URL, and that the engine reaches it")
		}
	}
	// The engine keeps one digest for each URL, that of the first answer.
	if more := g.times[url] - len(reasons); more > 1 {
		return f.fail(url, fmt.Sprintf("is asked for %d times, of which only the first answer is recorded", more),
			"have the command fetch each file once")
	}
	return nil
}

func lockAgain(f *Fetch) string {
	return "where that is meant, `kiln lock " + f.plan.recipe.File + "` locks it afresh"
}

// compare holds what a fetch got against the lock, before anything uses it.
func (f *Fetch) compare(g *gate, c *capture) error {
	if len(g.refused) > 0 {
		return f.fail(g.refused[0], "is not in the lock"+others(len(g.refused)-1), lockAgain(f))
	}
	for _, url := range g.asked {
		locked, ok := g.allowed[nameOf(g.files[url])]
		sum, got := c.digests[url]
		switch {
		case !ok:
			return f.fail(url, "is not in the lock", lockAgain(f))
		case got && locked.Absent:
			return f.fail(url, "is there, and was not when it was locked", lockAgain(f))
		case got && locked.SHA256 != "" && sum != locked.SHA256:
			return f.fail(url, fmt.Sprintf("has sha256 %s, the lock has %s", sum, locked.SHA256),
				"the mirror serves other bytes than when it was locked: find out why before anything else; "+lockAgain(f))
		}
	}
	return nil
}

// exact refuses a result that is not the one of the lock.
func (f *Fetch) exact(locked recipes.LockedFetch, made layer.Layer) error {
	switch {
	case locked.Result == "":
		return f.fail("", "leaves files whose digest is not in the lock, which an older kiln made", f.vendorAgain())
	case locked.Result != made.Blob.Hex:
		return f.fail("", fmt.Sprintf("leaves files with the digest sha256:%s, the lock has sha256:%s, though what it fetched is the same", made.Blob.Hex, locked.Result),
			"if its command leaves other files each time, such as times or logs, have it remove them; "+f.vendorAgain())
	}
	return nil
}

// lacking says why there is nothing in the store for a fetch.
func (f *Fetch) lacking(key string, locked recipes.LockedFetch) error {
	switch {
	case locked.Result == "":
		return f.fail("", "the lock has no digest of what it fetches, by which it would be among the inputs", f.vendorAgain())
	case locked.Key != key:
		return f.fail("", "its command, the files that it sees, or kiln itself are others than when it was locked", f.vendorAgain())
	}
	return f.fail("", "what it fetches is not among the inputs: sha256:"+locked.Result, f.vendorAgain())
}

func (f *Fetch) vendorAgain() string {
	return "where there is network, `kiln lock " + f.plan.recipe.File + "` and then `kiln vendor` bring the lock and the inputs together"
}

// complete refuses what was used without a digest to compare. It is for a
// fetch that succeeded: one that failed has failed for that.
func (f *Fetch) complete(g *gate, c *capture) error {
	for _, url := range g.asked {
		if err := f.whole(g, c, url); err != nil {
			return err
		}
	}
	return nil
}

func others(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n)
}
