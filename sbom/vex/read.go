package vex

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/scan"
)

// contextBase is what the context of every version begins with.
const contextBase = "https://openvex.dev/ns"

// Read reads an OpenVEX document, of whatever tool.
func Read(text []byte) (*Document, error) {
	d := &Document{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("reading OpenVEX document: %w", err)
	}
	if d.Context != contextBase && !strings.HasPrefix(d.Context, contextBase+"/v0.2") {
		return nil, errors.New("reading OpenVEX document: it is none of OpenVEX 0.2, whose @context is " + Context)
	}
	for i, s := range d.Statements {
		switch {
		case !slices.Contains(recipes.VEXStatuses(), s.Status):
			return nil, fmt.Errorf("reading OpenVEX document: statement %d has the unknown status %q", i+1, s.Status)
		case s.Vulnerability.Name == "":
			return nil, fmt.Errorf("reading OpenVEX document: statement %d names no vulnerability", i+1)
		case s.Status == recipes.VEXNotAffected && s.Justification == "" && s.Impact == "":
			return nil, fmt.Errorf("reading OpenVEX document: statement %d is not_affected and says not why", i+1)
		}
	}
	return d, nil
}

// Newest keeps of several documents by one author the one with the highest
// version, and of these the latest: the others are out of date.
func Newest(all []*Document) []*Document {
	var list []*Document
	for _, d := range all {
		i := slices.IndexFunc(list, func(have *Document) bool { return have.Author == d.Author && have.Tooling == d.Tooling })
		switch {
		case i < 0:
			list = append(list, d)
		case d.Version > list[i].Version, d.Version == list[i].Version && d.Timestamp > list[i].Timestamp:
			list[i] = d
		}
	}
	return list
}

// About are the statements that are about one of the products of an image,
// given by its identifiers, as a scan takes them. From says where the document
// is. With no identifiers all products are taken for the image.
func (d *Document) About(products []string, from string) []scan.Statement {
	var list []scan.Statement
	for _, s := range d.Statements {
		sub, ok := s.about(products)
		if !ok {
			continue
		}
		notes, until := readExpiry(s.StatusNotes)
		out := scan.Statement{
			Vulnerabilities: append([]string{s.Vulnerability.Name}, s.Vulnerability.Aliases...), Components: sub,
			Status: s.Status, Justification: s.Justification, Expires: until, From: from,
			Reason: strings.TrimSpace(strings.Join(slices.DeleteFunc([]string{s.Impact, s.Action, notes}, func(t string) bool { return t == "" }), "\n")),
		}
		when := s.Timestamp
		if when == "" {
			when = d.Timestamp
		}
		out.Date, _, _ = strings.Cut(when, "T")
		list = append(list, out)
	}
	return list
}

// about is which components of the image a statement is about. Where it is
// about several products of the same image, with and without components, it is
// about as little as one of them says; where nothing tells the components
// apart, it is about none.
func (s *Statement) about(products []string) (components []string, ok bool) {
	some := false
	for _, p := range s.Products {
		if len(products) > 0 && !slices.ContainsFunc(p.ids(), func(id string) bool { return slices.Contains(products, id) }) {
			continue
		}
		ok = true
		some = some || len(p.Subcomponents) > 0
		for _, c := range p.Subcomponents {
			components = append(components, c.ids()...)
		}
	}
	return unique(components), ok && (!some || len(components) > 0)
}

// ids are all identifiers of a component.
func (c Component) ids() []string {
	ids := []string{c.ID}
	for _, id := range c.Identifiers {
		ids = append(ids, id)
	}
	if sum, ok := c.Hashes["sha-256"]; ok {
		ids = append(ids, "sha256:"+sum)
	}
	return slices.DeleteFunc(unique(ids), func(id string) bool { return id == "" })
}

// readExpiry parts the notes into what kiln wrote there and the rest.
func readExpiry(notes string) (rest, until string) {
	first, rest, _ := strings.Cut(notes, "\n")
	if until, ok := strings.CutPrefix(first, expires); ok {
		return rest, until
	}
	return notes, ""
}

// Products are the identifiers of the image, for About.
func (i Image) Products() []string {
	var ids []string
	for _, p := range i.products(nil) {
		ids = append(ids, p.ID)
	}
	return ids
}
