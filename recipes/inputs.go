package recipes

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// Inputs are what a lock of r depends on, in the order of the recipe, by the
// path that it has there ("build.toolchain", "sources[0]", …). What the recipe
// does not ask for is left out. The values name no host: for a URL stands its
// SHA-256, for a registry image its digest.
func Inputs(r *Recipe) []Input {
	list := []Input{
		{"kiln", r.Kiln},
		{"suite", r.Suite},
		{"platforms", words(r.Platforms)},
	}
	for i, s := range r.Sources {
		list = append(list, Input{index("sources", i), sourceInput(s)})
	}
	list = append(list,
		Input{"build.image", imageInput(r.Build.Image)},
		Input{"build.toolchain", words(r.Build.Toolchain)},
		Input{"build.native", when("true", r.Build.Native)},
		Input{"build.packages", words(sorted(r.Build.Packages))},
		Input{"build.steps", words(stepInputs(r.Build.Steps))},
		Input{"image.base", imageInput(r.Image.Base)},
		Input{"image.packages", words(sorted(r.Image.Packages))},
	)
	return slices.DeleteFunc(list, func(in Input) bool { return in.Value == "" })
}

func sourceInput(s Source) string {
	var w []string
	switch s.Kind() {
	case KindArchive:
		w = []string{"sha256:" + s.Archive.SHA256, "url", hashed(s.Archive.URL)}
	case KindGit:
		w = []string{"url", hashed(s.Git.URL), label("ref", s.Git.Ref), label("commit", s.Git.Commit)}
	case KindGo:
		w = []string{s.Go}
	case KindDebian:
		w = []string{s.Debian.Package, s.Debian.Suite, s.Debian.Version, when("patches", s.Debian.Patches)}
	case KindLocal:
		w = []string{s.Local.Path}
	}
	return words(append([]string{s.Kind()}, w...))
}

// imageInput is the digest of a registry image, or the name of a base.
func imageInput(ref string) string {
	if _, digest, ok := strings.Cut(ref, "@"); ok {
		return digest
	}
	return ref
}

// stepInputs are the kinds of steps, each once: what a kind needs to run is
// locked with the toolchain.
func stepInputs(steps []Step) []string {
	var kinds []string
	for _, s := range steps {
		kinds = append(kinds, s.variety())
	}
	return slices.Compact(sorted(kinds))
}

// words joins what is not empty; what has spaces is quoted, so that no two
// lists give the same text.
func words(list []string) string {
	var out []string
	for _, w := range list {
		if strings.ContainsAny(w, " \"\t\n") {
			w = strconv.Quote(w)
		}
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func hashed(url string) string {
	sum := sha256.Sum256([]byte(url))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func label(name, value string) string {
	if value == "" {
		return ""
	}
	return name + ":" + value
}

func when(name string, set bool) string {
	if set {
		return name
	}
	return ""
}
