package scan

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"golang.org/x/mod/module"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
)

// OfLock reads the components of a recipe from its lock, for a platform: the
// Debian packages that are put into the image, the sources, and what the steps
// fetch. It knows neither which of what was fetched is compiled in, nor which
// libraries the image takes from the build environment: that is known of an
// image alone.
func OfLock(r *recipes.Recipe, l *recipes.Lock, platform string) (Inventory, error) {
	locked, err := l.For(platform)
	if err != nil {
		return Inventory{}, err
	}
	var in Inventory
	for _, p := range locked.Image {
		in.add(sbom.DebianPURL(p))
	}
	for _, s := range l.Sources {
		in.addSource(s, r.Suite)
	}
	in.addFetches(locked.Fetches)
	for _, p := range locked.Build {
		in.addLibrary(p)
	}
	if strings.Contains(r.Image.Base, "@") {
		in.Unmatched = append(in.Unmatched, Unmatched{r.Image.Base, "what is in a base from a registry is in no lock"})
	}
	in.sort()
	return in, nil
}

// OfFetches reads the packages that steps fetch. Files that are none of an
// ecosystem are not matched.
func OfFetches(list []recipes.LockedFetch) Inventory {
	var in Inventory
	in.addFetches(list)
	in.sort()
	return in
}

func (in *Inventory) addFetches(list []recipes.LockedFetch) {
	for _, f := range list {
		for _, file := range f.Files {
			in.addFetched(file)
		}
	}
}

// addSource adds a source by what it is known as. What is no module and no
// Debian source package is known by its address only.
func (in *Inventory) addSource(s recipes.LockedSource, suite string) {
	switch s.Kind {
	case recipes.KindGo:
		in.add(purlOf("golang", s.Name, s.Version))
	case recipes.KindDebian:
		in.add(sbom.DebianSourcePURL(s.Name, s.Version, suite))
	default:
		in.Unmatched = append(in.Unmatched, Unmatched{s.Kind + " " + s.Name, "a source of this kind is in no ecosystem"})
	}
}

// goPackage is Debian's name of a package with Go's standard library.
var goPackage = regexp.MustCompile(`^golang-1\.\d+-src$`)

// addLibrary adds what programs take from a package of the build environment
// without its files: Go's standard library.
func (in *Inventory) addLibrary(p recipes.Package) {
	if !goPackage.MatchString(p.Name) {
		return
	}
	upstream, _, _ := strings.Cut(p.Version, "-")
	upstream, _, _ = strings.Cut(upstream, "+")
	in.add(purlOf("golang", "stdlib", strings.Replace(upstream, "~", "", 1)))
}

var (
	npmFile   = regexp.MustCompile(`^((?:@[^/]+/)?[^/]+)/-/(.+)\.tgz$`)
	crateFile = regexp.MustCompile(`^([^/]+)/([^/]+)/download$`)
	wheelFile = regexp.MustCompile(`^([^/]+?)-(\d[^-/]*)(?:-[^/]+)?\.whl$`)
	sdistFile = regexp.MustCompile(`^(.+)-(\d[^-/]*)\.(?:tar\.gz|zip)$`)
)

// addFetched adds the package that a fetched file is, if it is one.
func (in *Inventory) addFetched(f recipes.FetchedFile) {
	file, err := url.PathUnescape(f.Path)
	if err != nil || f.Absent {
		return
	}
	switch f.Ecosystem {
	case "go":
		in.addModule(file)
	case "npm":
		if m := npmFile.FindStringSubmatch(file); m != nil {
			in.add(purlOf("npm", m[1], strings.TrimPrefix(m[2], path.Base(m[1])+"-")))
		}
	case "cargo":
		if m := crateFile.FindStringSubmatch(file); m != nil {
			in.add(purlOf("cargo", m[1], m[2]))
		}
	case "pypi":
		in.addPython(path.Base(file))
	case "maven":
		in.addMaven(file)
	default:
		in.Unmatched = append(in.Unmatched, Unmatched{f.Path, "a file by its URL is in no ecosystem"})
	}
}

// addModule adds the module whose zip file it is, by the layout of a module
// proxy (https://go.dev/ref/mod#goproxy-protocol).
func (in *Inventory) addModule(file string) {
	escaped, rest, ok := strings.Cut(file, "/@v/")
	version, isZip := strings.CutSuffix(rest, ".zip")
	if !ok || !isZip {
		return
	}
	name, err := module.UnescapePath(escaped)
	if err != nil {
		name = escaped
	}
	if plain, err := module.UnescapeVersion(version); err == nil {
		version = plain
	}
	in.add(purlOf("golang", name, version))
}

func (in *Inventory) addPython(file string) {
	for _, form := range []*regexp.Regexp{wheelFile, sdistFile} {
		if m := form.FindStringSubmatch(file); m != nil {
			in.add(purlOf("pypi", m[1], m[2]))
			return
		}
	}
}

// addMaven adds the artifact whose jar it is: GROUP/ARTIFACT/VERSION/FILE.
func (in *Inventory) addMaven(file string) {
	dir := path.Dir(file)
	version, artifact, group := path.Base(dir), path.Base(path.Dir(dir)), path.Dir(path.Dir(dir))
	if path.Ext(file) != ".jar" || !strings.HasPrefix(path.Base(file), artifact+"-"+version) || group == "." {
		return
	}
	in.add(purlOf("maven", strings.ReplaceAll(group, "/", ".")+"/"+artifact, version))
}
