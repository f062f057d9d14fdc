package recipes

import (
	_ "embed"

	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
)

// VEX are statements that people make about vulnerabilities in the images of a
// recipe. They stand beside the recipe and not in it, so that a statement
// changes no image.
type VEX struct {
	// File is the path it was read from, as VEXPath has it.
	File string `yaml:"-"`
	// Kiln is the version of the format: v1.
	Kiln string `yaml:"kiln" kiln:"required"`
	// Version counts the changes of the file, from 1: what was published under
	// a lower one is out of date.
	Version int `yaml:"version" kiln:"required"`
	// Author is who makes the statements.
	Author string `yaml:"author" kiln:"required"`
	// Statements are in no order. At most one is about a vulnerability in a
	// component.
	Statements []VEXStatement `yaml:"statements" kiln:"required"`
}

// VEXStatement says what a vulnerability is to the recipe's images.
type VEXStatement struct {
	Pos Pos `yaml:"-"`
	// Vulnerability is one of its names, such as CVE-2026-1234.
	Vulnerability string `yaml:"vulnerability" kiln:"required"`
	// Components are package URLs of where it is, with or without a version.
	// Without any the statement is about all that the image holds.
	Components []string `yaml:"components" kiln:"single"`
	// Status is one of VEXStatuses.
	Status string `yaml:"status" kiln:"required"`
	// Justification is one of VEXJustifications, for not_affected alone.
	Justification string `yaml:"justification"`
	// Reason says how that is known; of affected, what is to be done.
	Reason string `yaml:"reason" kiln:"required"`
	// Date is the day on which it was made, and Expires the last on which it
	// holds, as YYYY-MM-DD.
	Date    string `yaml:"date" kiln:"required"`
	Expires string `yaml:"expires" kiln:"required"`
}

// Statuses that a statement may give.
const (
	VEXNotAffected        = "not_affected"
	VEXAffected           = "affected"
	VEXFixed              = "fixed"
	VEXUnderInvestigation = "under_investigation"
)

// VEXStatuses are the statuses that a statement may give (OpenVEX 0.2.0,
// "Status Labels").
func VEXStatuses() []string {
	return []string{VEXNotAffected, VEXAffected, VEXFixed, VEXUnderInvestigation}
}

// VEXJustifications are why something is not affected (OpenVEX 0.2.0, "Status
// Justifications").
func VEXJustifications() []string {
	return []string{
		"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
		"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
	}
}

// VEXPath is where the statements about the images of r are, its variants
// among them: beside its file, with the extension .vex.yaml.
func (r *Recipe) VEXPath() string {
	return strings.TrimSuffix(r.File, filepath.Ext(r.File)) + ".vex.yaml"
}

// ReadVEX reads and checks the statements about the recipe's images; nil where
// there is no such file. Mistakes are an [*Errors] with all of them.
func (r *Recipe) ReadVEX() (*VEX, error) {
	raw, err := readFile(r.VEXPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading statements: %w", err)
	}
	return ParseVEX(r.VEXPath(), raw)
}

// ParseVEX reads statements that have been read from file.
func ParseVEX(file string, raw []byte) (*VEX, error) {
	d := newDecoder(file)
	root := parseYAML(&d.problems, raw)
	if root == nil {
		return nil, d.err()
	}
	v := &VEX{File: file}
	d.value(root, reflect.ValueOf(v).Elem(), "", nil)
	checkVEX(&checker{decoder: d}, v)
	if err := d.err(); err != nil {
		return nil, err
	}
	return v, nil
}

// Expired are the statements that hold no more on the day, YYYY-MM-DD.
func (v *VEX) Expired(today string) []VEXStatement {
	var list []VEXStatement
	for _, s := range v.Statements {
		if s.Expires < today {
			list = append(list, s)
		}
	}
	return list
}

//go:embed vex.schema.json
var vexSchemaJSON []byte

// VEXSchema is the JSON Schema (draft-07) of a file of statements.
func VEXSchema() []byte { return bytes.Clone(vexSchemaJSON) }
