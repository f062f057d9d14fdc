package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/folder"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

func catalogWhyCommand() *cli.Command {
	flags := append(catalogFlags(),
		&cli.StringFlag{Name: "repository", Usage: "look into this `TEMPLATE` in place of kiln.yaml's repository"},
		outputFlag("text or json"),
	)
	return &cli.Command{
		Name: "why", Usage: "say why recipes would be built, or would not", ArgsUsage: "[NAME...]",
		Description: "Holds each recipe against what its image in the registry says that it was made from, down to\n" +
			"the field, the package or the file that is another. Builds nothing, and needs no engine.",
		Flags:        slices.Concat(flags, signerFlags(), registryFlags(), mirrorFlags(), archiveFlags(), engineFlags()),
		OnUsageError: usageError,
		Action:       runCatalogWhy,
	}
}

// because says what `kiln catalog build` would do with a recipe or variant, as
// --output json prints it.
type because struct {
	Name   string `json:"name"`
	Recipe string `json:"recipe"`
	Image  string `json:"image,omitempty"`
	Digest string `json:"digest,omitempty"`
	// Rebuild is whether it would be built, and Reasons are why.
	Rebuild bool     `json:"rebuild"`
	Reasons []string `json:"reasons"`
	// What the image was made from, and the recipe is otherwise.
	Fields []recipes.FieldChange `json:"fields,omitempty"`
	Lock   []recipes.LockChange  `json:"lock,omitempty"`
	Files  []fileChange          `json:"files,omitempty"`
}

// fileChange is a file of a local source that is another.
type fileChange struct {
	Source string `json:"source"`
	Path   string `json:"path"`
	// How is added, removed or changed.
	How string `json:"how"`
}

func runCatalogWhy(c *cli.Context) error {
	if err := checkOutput(c); err != nil {
		return err
	}
	b, err := newCatalogRun(c)
	if err != nil {
		return err
	}
	if err := b.catalog.loaded(); err != nil {
		return err
	}
	var all []*recipes.Recipe
	for _, e := range b.catalog.chosen {
		all = append(all, e.All()...)
	}
	list := make([]*because, len(all))
	err = inParallel(c.Context, len(all), cap(b.lookups), func(ctx context.Context, i int) (err error) {
		list[i], err = b.why(ctx, all[i])
		return err
	})
	if err != nil {
		return err
	}
	if c.String("output") == "json" {
		return printJSON(c.App.Writer, list)
	}
	for _, w := range list {
		w.print(c.App.Writer)
	}
	return nil
}

func (b *catalogBuild) why(ctx context.Context, r *recipes.Recipe) (*because, error) {
	w := &because{Name: r.Title(), Recipe: r.File, Rebuild: true, Reasons: []string{}}
	one, err := b.of(r)
	if err != nil {
		return nil, err
	}
	one.stderr = io.Discard
	if _, err := os.Stat(r.LockPath()); errors.Is(err, os.ErrNotExist) {
		w.add("it has no lock; a build locks it first")
		return w, nil
	}
	one.clock = newStopwatch(time.Now)
	known, err := one.find(ctx)
	var stale *recipes.StaleError
	switch {
	case errors.As(err, &stale):
		w.add("its lock does not fit: %s", headline(err.Error()))
		return w, nil
	case err != nil:
		return nil, err
	}
	w.Image = one.target.tagged()[0]
	if known != nil {
		w.Rebuild, w.Digest = false, known.Digest
		w.add("it is there, made from the same, and verifies")
		return w, nil
	}
	place, err := b.inRegistry(r, one.lock)
	if err != nil {
		return nil, err
	}
	found, ok, err := b.common.registry.Lookup(ctx, place.first())
	if err != nil {
		return nil, err
	}
	if !ok {
		w.add("the registry has no such image")
		return w, nil
	}
	w.Digest = found.Descriptor.Digest.String()
	return w, b.compare(ctx, w, one, place.repo, found)
}

func (w *because) add(format string, args ...any) {
	w.Reasons = append(w.Reasons, fmt.Sprintf(format, args...))
}

// compare finds what differs from what the image was made from.
func (b *catalogBuild) compare(ctx context.Context, w *because, one *build, repo name.Repository, found push.Found) error {
	who, err := one.signer.who(ctx)
	if err != nil {
		return err
	}
	seen, err := inspect(ctx, found, one.target.statements, who)
	if err != nil {
		return err
	}
	if verdict := seen.verdict(); verdict != nil {
		w.add("what is there does not verify: %s", headline(verdict.Error()))
	}
	provenance, ok := seen.report.Statement(sign.PredicateProvenance)
	if !ok {
		w.add("it says of itself that it has another build key, but no provenance that verifies says what it was made from")
		return nil
	}
	origin, err := sign.OriginOf(provenance.Predicate)
	if err != nil {
		w.add("%v", err)
		return nil
	}
	if err := w.inputs(one, origin); err != nil {
		return err
	}
	if err := b.sources(ctx, w, one, repo, origin); err != nil {
		return err
	}
	if found.Annotations[image.KeyAnnotation] == builder.IndexKey(one.keys) && len(w.Reasons) == 0 {
		w.add("not all of its tags are there, or are on this image: %v", one.target.tagged())
	}
	if len(w.Reasons) == 0 {
		w.add("its build key is another, though recipe, lock and sources are not")
	}
	return nil
}

// inputs compares recipe, lock, platforms and format.
func (w *because) inputs(one *build, origin *sign.Origin) error {
	was, err := recipes.ParseVariant("recipe.yaml", origin.Variant, origin.Recipe)
	if err != nil {
		w.add("this kiln does not read the recipe that it was made from: %s", headline(err.Error()))
		return nil //nolint:nilerr // that is why
	}
	if w.Fields = one.recipe.Changes(was); len(w.Fields) > 0 {
		w.add("the recipe is another")
	}
	locked, err := recipes.ParseLock("recipe.lock", origin.Lock)
	if err != nil {
		w.add("this kiln does not read the lock that it was made from: %s", headline(err.Error()))
		return nil //nolint:nilerr // that is why
	}
	if w.Lock = one.lock.Changes(locked); len(w.Lock) > 0 {
		w.add("the lock is another")
	}
	if now := builder.Format + "/" + image.Format; origin.Format != now {
		w.add("this kiln builds otherwise: format %s, the image has %s", now, cmp.Or(origin.Format, "none"))
	}
	return nil
}

// sources compares local sources with the archive of them that is kept beside
// the image.
func (b *catalogBuild) sources(ctx context.Context, w *because, one *build, repo name.Repository, origin *sign.Origin) error {
	if len(one.trees) == 0 {
		return nil
	}
	if origin.Folder == (v1.Hash{}) {
		if len(w.Reasons) == 0 {
			w.add("its local sources may be others: those that it was made from are not kept beside it")
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "kiln-why-")
	if err != nil {
		return fmt.Errorf("comparing local sources: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is temporary
	blob, err := b.common.registry.Blob(ctx, repo.Digest(origin.Folder.String()))
	if err != nil {
		return err
	}
	defer blob.Close()
	if err := folder.Unpack(blob, dir); err != nil {
		return err
	}
	for i, s := range one.recipe.Sources {
		if s.Local == nil {
			continue
		}
		changes, err := compareTrees(ctx, filepath.Join(dir, filepath.FromSlash(folder.SourceFolder(i))), filepath.Join(filepath.Dir(one.recipe.File), s.Local.Path), s.Local)
		if err != nil {
			return err
		}
		w.Files = append(w.Files, changes...)
	}
	if len(w.Files) > 0 {
		w.add("its local sources are others")
	}
	return nil
}

// compareTrees compares two folders of a local source. The older has nothing
// that is ignored.
func compareTrees(ctx context.Context, was, now string, src *recipes.LocalSource) ([]fileChange, error) {
	var sides [2]map[string]string
	for i, side := range []struct {
		dir    string
		ignore []string
	}{{was, nil}, {now, src.Ignore}} {
		sides[i] = map[string]string{}
		if _, err := os.Stat(side.dir); errors.Is(err, os.ErrNotExist) {
			continue
		}
		files, err := recipes.Local(side.dir, side.ignore)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if sides[i][f.Path], err = recipes.TreeDigest(ctx, side.dir, []recipes.TreeFile{f}); err != nil {
				return nil, err
			}
		}
	}
	var list []fileChange
	for path, digest := range sides[1] {
		switch old, had := sides[0][path]; {
		case !had:
			list = append(list, fileChange{src.Path, path, "added"})
		case old != digest:
			list = append(list, fileChange{src.Path, path, "changed"})
		}
	}
	for path := range sides[0] {
		if _, has := sides[1][path]; !has {
			list = append(list, fileChange{src.Path, path, "removed"})
		}
	}
	slices.SortFunc(list, func(a, b fileChange) int { return cmp.Compare(a.Path, b.Path) })
	return list, nil
}

// shownChanges is how many of each kind people are shown.
const shownChanges = 12

func (w *because) print(out io.Writer) {
	verb := "would not be built"
	if w.Rebuild {
		verb = "would be built"
	}
	fmt.Fprintf(out, "%s %s\n", w.Name, verb)
	if w.Digest != "" {
		fmt.Fprintf(out, "  %s is %s\n", w.Image, w.Digest)
	} else if w.Image != "" {
		fmt.Fprintf(out, "  %s\n", w.Image)
	}
	for _, reason := range w.Reasons {
		fmt.Fprintf(out, "  %s\n", reason)
	}
	var fields, locks, files []string
	for _, f := range w.Fields {
		fields = append(fields, fmt.Sprintf("field    %s: %s -> %s", f.Path, cmp.Or(f.From, "nothing"), cmp.Or(f.To, "nothing")))
	}
	for _, l := range w.Lock {
		locks = append(locks, fmt.Sprintf("%-8s %s: %s -> %s", l.What, l.Name, cmp.Or(l.From, "nothing"), cmp.Or(l.To, "nothing")))
	}
	for _, f := range w.Files {
		files = append(files, fmt.Sprintf("file     %s: %s", filepath.Join(f.Source, f.Path), f.How))
	}
	for _, lines := range [][]string{fields, locks, files} {
		for _, line := range lines[:min(len(lines), shownChanges)] {
			fmt.Fprintf(out, "    %s\n", line)
		}
		if more := len(lines) - shownChanges; more > 0 {
			fmt.Fprintf(out, "    and %d more; --output json has all\n", more)
		}
	}
}
