package sbom

import (
	"cmp"
	"crypto/sha256"
	_ "embed" // for the license list
	"encoding/hex"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// licenseList holds the identifiers of the SPDX License List, deprecated ones
// left out: index.json of the package spdx-license-ids 3.0.24, which is
// dedicated to the public domain (CC0-1.0), one a line and sorted.
//
//go:embed licenses.txt
var licenseList string

// licenses turns the licenses that packages declare into SPDX expressions,
// and keeps the texts of those that are not on the SPDX License List.
type licenses struct {
	// canonical are the listed identifiers, by themselves in lower case;
	// identifiers are compared without case (SPDX 2.3, annex D.2).
	canonical map[string]string
	// others are the unlisted, by LicenseRef.
	others map[string]*v2_3.OtherLicense
}

func newLicenses() *licenses {
	l := &licenses{canonical: map[string]string{}, others: map[string]*v2_3.OtherLicense{}}
	for id := range strings.SplitSeq(strings.TrimSpace(licenseList), "\n") {
		l.canonical[strings.ToLower(id)] = id
	}
	return l
}

// extracted are the unlisted licenses (SPDX 2.3, clause 10), sorted.
func (l *licenses) extracted() []*v2_3.OtherLicense {
	var all []*v2_3.OtherLicense
	for _, ref := range sortedKeys(l.others) {
		all = append(all, l.others[ref])
	}
	return all
}

// debian returns the license expression and the copyright notices that the
// copyright file of a binary package of source states. The license of a file
// that is not machine-readable is the whole text.
func (l *licenses) debian(source, text string) (expression, notices string) {
	if strings.TrimSpace(text) == "" {
		return noAssertion, noAssertion
	}
	c, ok := parseCopyright(text)
	if !ok {
		return l.refer(source, "copyright", text), cmp.Or(strings.Join(findNotices(text), "\n"), noAssertion)
	}
	whole := licenseExpr{operator: "AND"}
	for _, name := range c.licenses {
		whole.operands = append(whole.operands, parseLicense(name))
	}
	expression = l.render(whole, alone, func(atom string) string {
		return l.refer(source, atom, cmp.Or(c.texts[strings.ToLower(atom)], c.textAround(atom), text))
	})
	return expression, cmp.Or(strings.Join(c.notices, "\n"), noAssertion)
}

// refer keeps the text of an unlisted license and returns its identifier,
// made of the source package and the short name. The same name with another
// text gets another identifier.
func (l *licenses) refer(source, shortName, text string) string {
	const longest = 60
	slug := idString(shortName)
	if strings.Trim(slug, ".") == "" {
		slug = "unnamed"
	}
	if len(slug) > longest {
		slug = slug[:longest]
	}
	ref := "LicenseRef-" + idString(source) + "-" + strings.Trim(slug, "-")
	if have := l.others[ref]; have != nil && (have.ExtractedText != text || have.LicenseName != shortName) {
		sum := sha256.Sum256([]byte(shortName + "\n" + text))
		ref += "-" + hex.EncodeToString(sum[:6])
	}
	l.others[ref] = &v2_3.OtherLicense{LicenseIdentifier: ref, ExtractedText: text, LicenseName: shortName}
	return ref
}
