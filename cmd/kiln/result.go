package main

import (
	"github.com/kiln-build/kiln/recipes"
)

// result is what a build has to say, as --output json prints it.
type result struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Platform  string `json:"platform"`
	Digest    string `json:"digest"`
	Reference string `json:"reference"`
	// References are the reference by digest and those by tag.
	References []string `json:"references"`
	Key        string   `json:"buildKey"`
	// Unchanged is whether the image was there already, verified.
	Unchanged bool `json:"unchanged"`
	// Size is of the compressed layers and the configuration, in bytes.
	Size     int64 `json:"size,omitempty"`
	Packages int   `json:"packages,omitempty"`
	Files    int   `json:"files,omitempty"`
	// Added are the packages that the closure found a need for.
	Added      map[string]string    `json:"added,omitempty"`
	User       string               `json:"user"`
	SignedBy   string               `json:"signedBy"`
	DevKey     bool                 `json:"developmentKey"`
	Statements []string             `json:"statements,omitempty"`
	Tests      []recipes.TestResult `json:"tests,omitempty"`
	Loaded     string               `json:"loaded,omitempty"`
	Engine     string               `json:"engine,omitempty"`
	// Timings are in seconds, by stage.
	Timings map[string]float64 `json:"timings"`
}
