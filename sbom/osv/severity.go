package osv

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"
)

// Level is how bad a vulnerability is: a word of CVSS's qualitative scale
// (CVSS 4.0, section 6), or Unknown where nobody said.
type Level string

// Levels, from the least.
const (
	Unknown  Level = "unknown"
	None     Level = "none"
	Low      Level = "low"
	Medium   Level = "medium"
	High     Level = "high"
	Critical Level = "critical"
)

// Levels are those that something can be rated as, from the least.
func Levels() []Level { return []Level{None, Low, Medium, High, Critical} }

// AtLeast is whether l is at or above the threshold. What nobody has rated
// may be anything, and is.
func (l Level) AtLeast(threshold Level) bool {
	return l == Unknown || slices.Index(Levels(), l) >= slices.Index(Levels(), threshold)
}

// Compare orders levels from the least; unknown ones come last, but for
// nothing.
func (l Level) Compare(other Level) int {
	return slices.Index(Levels(), l) - slices.Index(Levels(), other)
}

// Rating is a level and what it was made of.
type Rating struct {
	Level Level `json:"level"`
	// Score is of CVSS, from 0 to 10, and Vector what it was computed from;
	// zero where the level was given as a word.
	Score  float64 `json:"score,omitempty"`
	Vector string  `json:"vector,omitempty"`
}

// Rating is the worst that the advisory says of the parts that affect a
// package: by its CVSS vectors, or else by the word of its database.
func (a *Advisory) Rating(by []*Affected) Rating {
	all := slices.Clone(a.Severity)
	for _, p := range by {
		all = append(all, p.Severity...)
	}
	worst := Rating{Level: Unknown}
	for _, s := range all {
		if r, err := rate(s.Score); err == nil {
			worst = Worse(worst, r)
		}
	}
	if worst.Level != Unknown {
		return worst
	}
	worst.Level = word(a.DatabaseSpecific, "severity")
	for _, p := range by {
		worst = Worse(worst, Rating{Level: word(p.EcosystemSpecific, "urgency")})
	}
	return worst
}

// Worse is the worse of two ratings; any is worse than an unknown one.
func Worse(a, b Rating) Rating {
	if order := b.Level.Compare(a.Level); order > 0 || order == 0 && b.Score > a.Score {
		return b
	}
	return a
}

// rate computes the score of a CVSS vector.
func rate(vector string) (Rating, error) {
	score, err := score(vector)
	if err != nil {
		return Rating{}, fmt.Errorf("reading CVSS vector %q: %w", vector, err)
	}
	level := Critical
	switch {
	case score == 0:
		level = None
	case score < 4:
		level = Low
	case score < 7:
		level = Medium
	case score < 9:
		level = High
	}
	return Rating{level, score, vector}, nil
}

func score(vector string) (float64, error) {
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		v, err := gocvss40.ParseVector(vector)
		if err != nil {
			return 0, err
		}
		return v.Score(), nil
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		v, err := gocvss31.ParseVector(vector)
		if err != nil {
			return 0, err
		}
		return v.BaseScore(), nil
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		v, err := gocvss30.ParseVector(vector)
		if err != nil {
			return 0, err
		}
		return v.BaseScore(), nil
	}
	v, err := gocvss20.ParseVector(vector)
	if err != nil {
		return 0, err
	}
	return v.BaseScore(), nil
}

// word is the level that a field of what is specific to a database names.
func word(specific json.RawMessage, field string) Level {
	var fields map[string]json.RawMessage
	var text string
	if json.Unmarshal(specific, &fields) != nil || json.Unmarshal(fields[field], &text) != nil {
		return Unknown
	}
	switch strings.ToLower(text) {
	case "moderate":
		return Medium
	case "unimportant": // Debian: a hole that its packages do not have in practice
		return Low
	}
	if l := Level(strings.ToLower(text)); slices.Contains(Levels(), l) {
		return l
	}
	return Unknown
}
