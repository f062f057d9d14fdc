package sign

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kiln-build/kiln/recipes"
)

// PredicateChecked is the type of a statement that locking an image's recipe
// afresh came to the lock that the image was made from; the document is
// checked-v1.md in this folder.
const PredicateChecked = "https://github.com/kiln-build/kiln/blob/main/sign/checked-v1.md"

// CheckedInput is everything that [Checked] says.
type CheckedInput struct {
	// CheckerID is the URI of who looked, as BuilderID in [ProvenanceInput], and
	// Kiln a version.
	CheckerID, Kiln string
	// Provenance is the predicate whose lock was compared, as it was signed.
	Provenance json.RawMessage
	// Archives are the indexes of the Debian archive that were read.
	Archives []recipes.Archive
}

// checked is the predicate.
type checked struct {
	Checker    builder           `json:"checker"`
	BuildKey   string            `json:"buildKey"`
	Provenance map[string]string `json:"provenance"`
	Lock       map[string]string `json:"lock"`
	Archives   []checkedArchive  `json:"archives"`
}

type checkedArchive struct {
	Archive   string `json:"archive"`
	Suite     string `json:"suite"`
	Date      string `json:"date"`
	InRelease string `json:"inrelease"`
}

// Checked writes the predicate of a checked statement. The same input gives the
// same bytes.
func Checked(in CheckedInput) (json.RawMessage, error) {
	if in.CheckerID == "" {
		return nil, errors.New("writing checked statement: the checker's id is needed")
	}
	o, err := OriginOf(in.Provenance)
	if err != nil {
		return nil, fmt.Errorf("writing checked statement: %w", err)
	}
	c := checked{
		Checker:  builder{ID: in.CheckerID, Version: map[string]string{"kiln": in.Kiln}},
		BuildKey: o.Key, Provenance: digestSet(in.Provenance), Lock: digestSet(o.Lock), Archives: []checkedArchive{},
	}
	for _, a := range in.Archives {
		c.Archives = append(c.Archives, checkedArchive(a))
	}
	return json.Marshal(c)
}

func digestSet(text []byte) map[string]string {
	sum := sha256.Sum256(text)
	return map[string]string{"sha256": hex.EncodeToString(sum[:])}
}

// CheckedAgainst is what a checked statement says.
type CheckedAgainst struct {
	// Checker is the id of who looked, and Key the build key of the image.
	Checker, Key string
	// Lock is the digest of the lock, as hex.
	Lock string
	// Archives are the indexes that were read: how new the answer is.
	Archives []recipes.Archive
}

// CheckedOf reads the predicate of a checked statement.
func CheckedOf(predicate json.RawMessage) (CheckedAgainst, error) {
	var c checked
	if err := json.Unmarshal(predicate, &c); err != nil {
		return CheckedAgainst{}, fmt.Errorf("reading checked statement: %w", err)
	}
	if c.Checker.ID == "" || c.BuildKey == "" || c.Lock["sha256"] == "" {
		return CheckedAgainst{}, errors.New("reading checked statement: it names no checker, no build key or no lock")
	}
	said := CheckedAgainst{Checker: c.Checker.ID, Key: c.BuildKey, Lock: c.Lock["sha256"]}
	for _, a := range c.Archives {
		said.Archives = append(said.Archives, recipes.Archive(a))
	}
	return said, nil
}
