package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sbom/vex"
	"github.com/kiln-build/kiln/sign"
)

// vexStatement is the statement with what people say beside the recipe of
// vulnerabilities in an image; false where they say nothing.
func (b *build) vexStatement(digest, platform string) (sign.Statement, bool, error) {
	if b.vex == nil {
		return sign.Statement{}, false, nil
	}
	image := vex.Image{Name: b.recipe.Name, Repository: b.target.repository(), Digest: digest, Platform: platform, Service: servicePURLs(b.lock)}
	if _, isLayout := b.target.(*layoutTarget); isLayout {
		image.Repository = ""
	}
	text, err := vex.FromRecipe(b.vex, image).Marshal()
	return sign.Statement{PredicateType: sign.PredicateVEX, Predicate: text}, true, err
}

// withVEX adds it to the statements about an image.
func (b *build) withVEX(list []sign.Statement, digest, platform string) ([]sign.Statement, error) {
	s, ok, err := b.vexStatement(digest, platform)
	if err != nil || !ok {
		return list, err
	}
	return append(list, s), nil
}

// attached are the names of what the build attaches besides the signature.
func (b *build) attached() []string {
	if b.vex != nil {
		return append(slices.Clone(statements), "vex")
	}
	return statements
}

// vexAttached is whether what people say is attached to the image as they say
// it now.
func (b *build) vexAttached(img *inspection, platform string) (bool, error) {
	s, ok, err := b.vexStatement(img.digest.String(), platform)
	if err != nil || !ok {
		return err == nil, err
	}
	for _, have := range img.report.Statements {
		if have.PredicateType == s.PredicateType && sameJSON(have.Predicate, s.Predicate) {
			return true, nil
		}
	}
	return false, nil
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	json.HTMLEscape(&x, a)
	json.HTMLEscape(&y, b)
	return bytes.Equal(x.Bytes(), y.Bytes())
}

// readVEX reads the statements, and refuses to publish those that hold no more.
func (b *build) readVEX() (*recipes.VEX, error) {
	v, err := b.recipe.ReadVEX()
	if err != nil || v == nil {
		return nil, err
	}
	wrong := &recipes.Errors{}
	for _, s := range v.Expired(today()) {
		wrong.Problems = append(wrong.Problems, recipes.Problem{
			File: v.File, Pos: s.Pos, Msg: fmt.Sprintf("the statement about %s expired on %s", s.Vulnerability, s.Expires),
			Hint: "look at it again: give `date` and `expires` anew, and a higher `version`; or take it out",
		})
	}
	if len(wrong.Problems) > 0 {
		return nil, wrong
	}
	return v, nil
}

// servicePURLs are the package URLs of the service itself: of the first source,
// which the SBOM takes for it.
func servicePURLs(l *recipes.Lock) []string {
	if len(l.Sources) == 0 || l.Sources[0].Kind != recipes.KindGo {
		return nil
	}
	return []string{sbom.ModulePURL(l.Sources[0].Name, l.Sources[0].Version)}
}
