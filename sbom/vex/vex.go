// Package vex writes and reads OpenVEX documents: what people, or an analysis,
// say of vulnerabilities in an image (OpenVEX 0.2.0,
// https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md).
//
// It decides nothing, and reads no clock: a document is dated by the newest of
// its statements. Start at [FromRecipe] or [FromReach], and at [Read].
package vex

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Context is the JSON-LD context of the version that documents are written in.
const Context = "https://openvex.dev/ns/v0.2.0"

// Document is an OpenVEX document.
type Document struct {
	Context   string `json:"@context"`
	ID        string `json:"@id"`
	Author    string `json:"author"`
	Timestamp string `json:"timestamp"`
	// Version counts from 1.
	Version    int         `json:"version"`
	Tooling    string      `json:"tooling,omitempty"`
	Statements []Statement `json:"statements"`
}

// Statement says what a vulnerability is to products.
type Statement struct {
	Vulnerability Vulnerability `json:"vulnerability"`
	Timestamp     string        `json:"timestamp,omitempty"`
	Products      []Product     `json:"products"`
	Status        string        `json:"status"`
	StatusNotes   string        `json:"status_notes,omitempty"`
	Justification string        `json:"justification,omitempty"`
	Impact        string        `json:"impact_statement,omitempty"`
	Action        string        `json:"action_statement,omitempty"`
}

// Vulnerability goes by a name, and perhaps others.
type Vulnerability struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"`
}

// Product is software, and which components of it a statement is about; with
// none it is about all.
type Product struct {
	Component
	Subcomponents []Component `json:"subcomponents,omitempty"`
}

// Component is identified by an IRI, most often a package URL, and by further
// identifiers and digests.
type Component struct {
	ID          string            `json:"@id,omitempty"`
	Identifiers map[string]string `json:"identifiers,omitempty"`
	Hashes      map[string]string `json:"hashes,omitempty"`
}

// Marshal writes the document as JSON, sorted and with an id made of what it
// says: the same statements give the same bytes.
func (d *Document) Marshal() ([]byte, error) {
	d.Context = Context
	slices.SortStableFunc(d.Statements, func(a, b Statement) int {
		return cmp.Or(strings.Compare(a.Vulnerability.Name, b.Vulnerability.Name), strings.Compare(components(a), components(b)))
	})
	d.Timestamp = ""
	for _, s := range d.Statements {
		d.Timestamp = max(d.Timestamp, s.Timestamp)
	}
	d.ID = ""
	text, err := d.encode()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	d.ID = "https://github.com/kiln-build/kiln/vex/" + hex.EncodeToString(sum[:])
	return d.encode()
}

func (d *Document) encode() ([]byte, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("writing OpenVEX document: %w", err)
	}
	return bytes.TrimSpace(text), nil
}

func components(s Statement) string {
	var ids []string
	for _, p := range s.Products {
		for _, c := range p.Subcomponents {
			ids = append(ids, c.ID)
		}
	}
	return strings.Join(ids, " ")
}

// midnight is the beginning of a day in UTC, as documents have times.
func midnight(day string) string { return day + "T00:00:00Z" }
