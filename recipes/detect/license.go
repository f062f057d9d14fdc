package detect

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/google/licensecheck"
)

// licensed finds the license: what the project's own files call it, or else
// by the text of LICENSE or COPYING.
func (p *project) licensed() {
	d := p.draft
	if valid(d.license) {
		return
	}
	var texts []string
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "COPYING*", "license*"} {
		found, _ := fs.Glob(p.fs, pattern)
		texts = append(texts, found...)
	}
	slices.Sort(texts)
	const little = 75 // percent of the text
	for _, file := range slices.Compact(texts) {
		cov := licensecheck.Scan([]byte(p.text(file)))
		if len(cov.Match) == 0 || cov.Percent < little {
			continue
		}
		id := spdxID(cov.Match[0].ID)
		if valid(id) {
			d.license = id
			p.assume("the license is %s, by the text of %s", id, path.Base(file))
			return
		}
	}
	d.license = "LicenseRef-unknown"
	p.assume("no license is found: replace LicenseRef-unknown with an SPDX expression")
}

// spdxID is an id for a text: those of the GNU licenses say nothing of later
// versions, which the text alone does not grant.
func spdxID(id string) string {
	if strings.Contains(id, "GPL-") && !strings.HasSuffix(id, "-only") && !strings.HasSuffix(id, "-or-later") {
		return id + "-only"
	}
	return id
}

func valid(expression string) bool {
	ok, _ := spdxexp.ValidateLicenses([]string{expression})
	return expression != "" && ok
}
