package recipes

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// RecipeFile is the name of a recipe's file in its folder.
const RecipeFile = "recipe.yaml"

// Catalog are the recipes below a folder, and what they have in common.
type Catalog struct {
	// Dir is the folder below which the recipes are.
	Dir string
	// Config has Catalog set.
	Config *Config
	// Entries are the recipes, by their folders.
	Entries []*Entry
}

// Entry is one recipe of a catalog.
type Entry struct {
	// Name is the recipe's; of one that does not load, that of its folder.
	Name string
	// Dir is its folder, relative to the catalog's and with slashes; File is the
	// path of the recipe from here.
	Dir, File string
	// Recipe is the recipe, and Variants are its variants; nil where Err is set.
	Recipe   *Recipe
	Variants []*Recipe
	// Err is why it does not load.
	Err error
}

// All are the recipe and its variants; none where it does not load.
func (e *Entry) All() []*Recipe {
	if e.Recipe == nil {
		return nil
	}
	return append([]*Recipe{e.Recipe}, e.Variants...)
}

// NoCatalogError says that a folder is in no catalog.
type NoCatalogError struct {
	Dir string
	// File is the configuration that there is; empty where there is none.
	File string
}

// Error says what is missing where.
func (e *NoCatalogError) Error() string {
	if e.File == "" {
		return fmt.Sprintf("opening the catalog: %s, and no folder above it, has a %s", e.Dir, ConfigFile)
	}
	return fmt.Sprintf("opening the catalog: %s has no `catalog:`", e.File)
}

// Hint says how to make one.
func (e *NoCatalogError) Hint() string {
	if e.File == "" {
		return "`kiln init --catalog` makes one"
	}
	return "add `catalog: {repository: registry.corp/platform/${name}}`"
}

// OpenCatalog loads all recipes of the catalog that the folder dir is in. What
// does not load hides no other; what is below the folder of a recipe is its own.
func OpenCatalog(dir string) (*Catalog, error) {
	config, err := FindConfig(dir)
	if err != nil {
		return nil, err
	}
	if config.Catalog == nil {
		return nil, &NoCatalogError{Dir: dir, File: config.File}
	}
	c := &Catalog{Dir: filepath.Join(filepath.Dir(config.File), filepath.FromSlash(config.Catalog.Recipes)), Config: config}
	if err := c.find(); err != nil {
		return nil, fmt.Errorf("reading the catalog: %w", err)
	}
	var wg sync.WaitGroup
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, e := range c.Entries {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			e.Load(config.Catalog.Defaults)
		})
	}
	wg.Wait()
	return c, nil
}

// find makes an entry of each folder with a recipe.
func (c *Catalog) find() error {
	files, err := Find(c.Dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		at := filepath.Dir(file)
		rel, err := filepath.Rel(c.Dir, at)
		if err != nil {
			return err
		}
		c.Entries = append(c.Entries, &Entry{Name: filepath.Base(at), Dir: filepath.ToSlash(rel), File: file})
	}
	return nil
}

// Find returns the recipes in the folder dir and below it, in order. What is
// below the folder of a recipe is its own, and hidden folders are none.
func Find(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case at != dir && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		}
		file := filepath.Join(at, RecipeFile)
		if !isFile(file) {
			return nil
		}
		files = append(files, file)
		return fs.SkipDir
	})
	return files, err
}

// Load reads the recipe, and its variants, from its file.
func (e *Entry) Load(d Defaults) {
	e.Recipe, e.Variants = nil, nil
	r, err := d.Load(e.File, "")
	if e.Err = err; err != nil {
		return
	}
	var variants []*Recipe
	for _, name := range r.Variants {
		v, err := r.InVariant(name)
		if e.Err = err; err != nil {
			return
		}
		variants = append(variants, v)
	}
	e.Name, e.Recipe, e.Variants = r.Name, r, variants
}

// Named are the entries that the names call: by the recipe's name, or by its
// folder. Without names they are all. The names may be patterns of path.Match.
func (c *Catalog) Named(names []string) ([]*Entry, error) {
	if len(names) == 0 {
		return c.Entries, nil
	}
	chosen := map[*Entry]bool{}
	var missing []error
	for _, name := range names {
		found := false
		for _, e := range c.Entries {
			if e.called(name) {
				chosen[e], found = true, true
			}
		}
		if !found {
			missing = append(missing, c.unknown(name))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(c.Entries), func(e *Entry) bool { return !chosen[e] }), nil
}

func (e *Entry) called(name string) bool {
	name = strings.TrimSuffix(filepath.ToSlash(name), "/")
	if ok, err := filepath.Match(name, e.Name); ok && err == nil {
		return true
	}
	ok, err := filepath.Match(name, e.Dir)
	return ok && err == nil || name == filepath.ToSlash(e.File) || name == filepath.ToSlash(filepath.Dir(e.File))
}

// UnknownEntryError is a name that no recipe of a catalog has.
type UnknownEntryError struct{ Name, Near, Dir string }

// Error names what is not there.
func (e *UnknownEntryError) Error() string {
	return fmt.Sprintf("there is no recipe %q below %s", clip(e.Name), e.Dir)
}

// Hint is the name that was probably meant.
func (e *UnknownEntryError) Hint() string {
	if e.Near != "" {
		return fmt.Sprintf("did you mean %q?", e.Near)
	}
	return "`kiln catalog list` shows them"
}

func (c *Catalog) unknown(name string) error {
	var names []string
	for _, e := range c.Entries {
		names = append(names, e.Name)
	}
	return &UnknownEntryError{Name: name, Near: Nearest(name, names), Dir: c.Dir}
}

// OwnersOf are who looks after the recipe: those that it names, else the
// catalog's.
func (c *Catalog) OwnersOf(r *Recipe) []string {
	if len(r.Owners) > 0 {
		return r.Owners
	}
	return c.Config.Catalog.Owners
}

// Edge says that the image of To stands on that of From: as its base, or as
// what it was built in.
type Edge struct {
	From, To *Entry
	// Field is image.base or build.image of a recipe of To, and Ref what it
	// says there.
	Field, Ref string
	Recipe     *Recipe
}

// Edges are what stands on what, in the order of the entries.
func (c *Catalog) Edges() []Edge {
	by := map[string]*Entry{}
	for _, e := range c.Entries {
		if e.Recipe != nil {
			by[c.Config.Catalog.RepositoryOf(e.Name)] = e
		}
	}
	var edges []Edge
	for _, e := range c.Entries {
		for _, r := range e.All() {
			for _, f := range []Edge{{Field: "image.base", Ref: r.Image.Base}, {Field: "build.image", Ref: r.Build.Image}} {
				if from := by[repositoryOf(f.Ref)]; from != nil && from != e {
					f.From, f.To, f.Recipe = from, e, r
					edges = append(edges, f)
				}
			}
		}
	}
	return edges
}

// repositoryOf is a reference by digest without tag and digest.
func repositoryOf(ref string) string {
	repo, _, ok := strings.Cut(ref, "@")
	if !ok {
		return ""
	}
	if i := strings.LastIndex(repo, ":"); i > strings.LastIndex(repo, "/") {
		repo = repo[:i]
	}
	return repo
}

// CycleError says that images stand on each other.
type CycleError struct{ Names []string }

// Error names them.
func (e *CycleError) Error() string {
	return "images stand on each other: " + strings.Join(e.Names, " on ")
}

// Ordered are the entries, those first that others stand on, and among equals
// by their folders.
func (c *Catalog) Ordered() ([]*Entry, error) {
	under := map[*Entry][]*Entry{}
	for _, edge := range c.Edges() {
		under[edge.To] = append(under[edge.To], edge.From)
	}
	const open, done = 1, 2
	state := map[*Entry]int{}
	var list []*Entry
	var visit func(e *Entry, path []string) error
	visit = func(e *Entry, path []string) error {
		path = append(path, e.Name)
		switch state[e] {
		case done:
			return nil
		case open:
			return &CycleError{path[slices.Index(path, e.Name):]}
		}
		state[e] = open
		for _, from := range under[e] {
			if err := visit(from, path); err != nil {
				return err
			}
		}
		state[e] = done
		list = append(list, e)
		return nil
	}
	sorted := slices.SortedStableFunc(slices.Values(c.Entries), func(a, b *Entry) int { return cmp.Compare(a.Dir, b.Dir) })
	for _, e := range sorted {
		if err := visit(e, nil); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func isFile(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular()
}
