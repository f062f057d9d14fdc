package builder

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
)

// PlaceError is an error about a place in a recipe. Its text begins with that
// place, so nothing is to be written before it.
type PlaceError struct {
	File string
	Pos  recipes.Pos
	Err  error
}

func (e *PlaceError) Error() string {
	return recipes.Problem{File: e.File, Pos: e.Pos, Msg: e.Err.Error()}.String()
}

// Unwrap returns e.Err.
func (e *PlaceError) Unwrap() error { return e.Err }

func placed(r *recipes.Recipe, pos recipes.Pos, err error) error {
	if err == nil {
		return nil
	}
	return &PlaceError{File: r.File, Pos: pos, Err: err}
}

// placedPackages ties what resolving packages came to grief with to the entry
// of the recipe's list at path that asked for it. Names that the archive does
// not know are reported all at once.
func placedPackages(r *recipes.Recipe, path string, list []string, err error) error {
	unknown := &recipes.Errors{}
	for _, e := range flatten(err) {
		var u *archive.UnknownError
		if errors.As(e, &u) {
			at := entryOf(path, list, u.Name)
			if at == "image.packages" {
				at = "image.base" // which packages that is, the base says
			}
			unknown.Problems = append(unknown.Problems, recipes.Problem{
				File: r.File, Pos: r.Pos(at), Msg: u.Error(), Hint: u.Hint(),
			})
		}
	}
	if len(unknown.Problems) > 0 {
		return unknown
	}
	at := path
	var unmet *archive.UnmetError
	if errors.As(err, &unmet) {
		at = entryOf(path, list, strings.FieldsFunc(unmet.Chain+" ", func(r rune) bool { return strings.ContainsRune(" =(:", r) })[0])
	}
	return placed(r, r.Pos(at), err)
}

// flatten is the errors that errors.Join made one of.
func flatten(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	return []error{err}
}

// entryOf is the path of the package name in the list at path, or path itself
// where the list does not hold it. Entries are NAME, NAME=VERSION,
// NAME/SUITE or NAME:ARCHITECTURE.
func entryOf(path string, list []string, name string) string {
	for i, entry := range list {
		if rest, ok := strings.CutPrefix(entry, name); ok && (rest == "" || strings.ContainsAny(rest[:1], "=/:")) {
			return fmt.Sprintf("%s[%d]", path, i)
		}
	}
	return path
}
