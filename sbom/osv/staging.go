package osv

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// maxArchive bounds the bytes of an ecosystem's archive; that of npm, the
// largest, has some hundred million.
const maxArchive = 4 << 30

// ecosystemForm is what the name of an ecosystem may be, so that it is one
// folder.
var ecosystemForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 .:_-]{0,63}$`)

// staging is a folder beside the database in which new archives are gathered,
// so that they take the place of the old ones when all of them are there and
// good.
type staging struct {
	dir, tmp string
	updates  []Update
}

// Update is what became of one ecosystem.
type Update struct {
	Ecosystem string `json:"ecosystem"`
	// Unchanged is whether the folder had it already.
	Unchanged bool   `json:"unchanged"`
	Records   int    `json:"records"`
	Modified  string `json:"modified"`
	SHA256    string `json:"sha256"`

	origin origin
}

func newStaging(dir string) (*staging, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(dir, ".pull-*")
	return &staging{dir: dir, tmp: tmp}, err
}

func (s *staging) close() { os.RemoveAll(s.tmp) } //nolint:errcheck // what stays is named as what it is, and no ecosystem

// put takes an ecosystem's archive, and checks that it is one.
func (s *staging) put(ecosystem string, r io.Reader, from origin) error {
	if !ecosystemForm.MatchString(ecosystem) {
		return fmt.Errorf("%q cannot be an ecosystem's name", ecosystem)
	}
	file := filepath.Join(s.tmp, ecosystem)
	sum, err := save(file, r)
	if err != nil {
		return fmt.Errorf("receiving advisories for %s: %w", ecosystem, err)
	}
	u := Update{Ecosystem: ecosystem, SHA256: sum, origin: from}
	if u.Records, u.Modified, err = check(file, ecosystem); err != nil {
		return fmt.Errorf("checking advisories for %s: %w", ecosystem, err)
	}
	s.updates = append(s.updates, u)
	return nil
}

func save(file string, r io.Reader) (sum string, err error) {
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(r, maxArchive+1))
	if err == nil && n > maxArchive {
		err = fmt.Errorf("there are more than %d bytes", int64(maxArchive))
	}
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Close())
}

// check reads every record of an archive: each has an id, and there is one
// about the ecosystem. A catalog is one.
func check(file, ecosystem string) (records int, modified string, err error) {
	if ecosystem == ExploitedName {
		e, err := readExploited(file)
		if err != nil {
			return 0, "", err
		}
		return e.Len(), e.Released, nil
	}
	about := 0
	err = eachRecord(file, func(raw []byte) error {
		var a Advisory
		if err := json.Unmarshal(raw, &a); err != nil {
			return err
		}
		if a.ID == "" {
			return errors.New("it has no id")
		}
		records++
		modified = max(modified, a.last())
		for _, p := range a.Affected {
			if base(p.Package.Ecosystem) == base(ecosystem) {
				about++
				break
			}
		}
		return nil
	})
	if err == nil && about == 0 {
		err = errors.New("no advisory in it is about the ecosystem")
	}
	return records, modified, err
}

// commit puts all archives into their places.
func (s *staging) commit() ([]Update, error) {
	for _, u := range s.updates {
		if u.Unchanged {
			continue
		}
		to := filepath.Join(s.dir, stored(u.Ecosystem))
		beside := filepath.Dir(to)
		if err := os.MkdirAll(beside, 0o755); err != nil {
			return nil, err
		}
		// What is asked next time depends on this file: it goes first, and
		// comes again when the archive is there.
		if err := os.RemoveAll(filepath.Join(beside, originFile)); err != nil {
			return nil, err
		}
		if err := os.Rename(filepath.Join(s.tmp, u.Ecosystem), to); err != nil {
			return nil, err
		}
		if err := u.origin.write(beside, u.SHA256); err != nil {
			return nil, err
		}
	}
	return s.updates, nil
}
