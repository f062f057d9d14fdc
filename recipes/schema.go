package recipes

import (
	"bytes"
	_ "embed"
)

// schemaJSON is written by `go test ./recipes -run TestSchema -update`, from
// the types that a recipe is decoded into, their tags, and their comments.
//
//go:embed schema.json
var schemaJSON []byte

// Schema is the JSON Schema (draft-07, which editors' language servers know
// best) of a recipe. What it accepts may still be refused by [Load], which
// looks at more than form.
func Schema() []byte { return bytes.Clone(schemaJSON) }

// configJSON is written as schemaJSON is, from [Config].
//
//go:embed config.schema.json
var configJSON []byte

// ConfigSchema is the JSON Schema (draft-07) of kiln.yaml. What it accepts may
// still be refused by [ParseConfig].
func ConfigSchema() []byte { return bytes.Clone(configJSON) }
