// Package osv reads advisories in the OSV format from a folder, and says which
// versions of a package they are about (OSV schema 1.7,
// https://ossf.github.io/osv-schema/).
//
// The folder is laid out as OSV's bucket is: ECOSYSTEM/all.zip, with a JSON
// file for each advisory. Nothing is asked of the network; [Pull] alone fills
// such a folder from a server. Who is affected besides a version, the package
// does not know: start at [Open], or read package scan.
package osv

import (
	"encoding/json"
	"strings"
)

// Advisory is what kiln reads of an OSV record.
type Advisory struct {
	ID string `json:"id"`
	// Modified, Published and Withdrawn are times in RFC 3339. What has been
	// withdrawn is about nothing any more.
	Modified  string   `json:"modified"`
	Published string   `json:"published"`
	Withdrawn string   `json:"withdrawn"`
	Aliases   []string `json:"aliases"`
	// Upstream are the vulnerabilities that the advisory passes on.
	Upstream         []string        `json:"upstream"`
	Summary          string          `json:"summary"`
	Severity         []Severity      `json:"severity"`
	Affected         []Affected      `json:"affected"`
	References       []Reference     `json:"references"`
	DatabaseSpecific json.RawMessage `json:"database_specific"`
}

// Severity is a rating. The score of the CVSS types is a vector.
type Severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// Reference is a page about an advisory.
type Reference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

// Affected says which versions of one package an advisory is about.
type Affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Severity          []Severity      `json:"severity"`
	Ranges            []Range         `json:"ranges"`
	Versions          []string        `json:"versions"`
	EcosystemSpecific json.RawMessage `json:"ecosystem_specific"`
}

// Range is a part of a package's history. Ranges of the type GIT are about
// commits, and not looked at.
type Range struct {
	Type   string  `json:"type"`
	Events []Event `json:"events"`
}

// Event is a point of a range; one of the fields is set.
type Event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
	Limit        string `json:"limit"`
}

// Names are all names of the vulnerability, the advisory's id first. What one
// advisory passes on of one vulnerability is the same as that; one about
// several is none of them.
func (a *Advisory) Names() []string {
	names := append([]string{a.ID}, a.Aliases...)
	if len(a.Upstream) == 1 {
		names = append(names, a.Upstream[0])
	}
	return names
}

// last is when the advisory was last changed, or else made. Some databases
// leave the one or the other at the year 1.
func (a *Advisory) last() string { return max(a.Modified, a.Published) }

// URL is the page about the advisory: the one that its database names, or else
// that of OSV.
func (a *Advisory) URL() string {
	var specific struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(a.DatabaseSpecific, &specific) == nil && strings.HasPrefix(specific.URL, "https://") {
		return specific.URL
	}
	for _, r := range a.References {
		if r.Type == "ADVISORY" && strings.HasPrefix(r.URL, "https://") {
			return r.URL
		}
	}
	return "https://osv.dev/vulnerability/" + a.ID
}

// Symbol is a package of Go code with the functions in it that an advisory is
// about; without names it is about all of them.
type Symbol struct {
	Path  string   `json:"path"`
	Names []string `json:"symbols"`
}

// Symbols are what the Go vulnerability database says of the package's code
// (https://go.dev/doc/security/vuln/database#schema); none where it says
// nothing.
func (a *Affected) Symbols() []Symbol {
	var specific struct {
		Imports []Symbol `json:"imports"`
	}
	if json.Unmarshal(a.EcosystemSpecific, &specific) != nil {
		return nil
	}
	return specific.Imports
}
