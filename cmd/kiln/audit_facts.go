package main

import (
	"time"

	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sign/policy"
)

// audited is what is known of one image, or of one index, in a registry. What
// is not known says why, in a field Unknown beside it, or among Unknown.
type audited struct {
	// Reference is REPOSITORY@DIGEST, or REPOSITORY:TAG where there is no
	// manifest that could be read.
	Reference  string `json:"reference"`
	Repository string `json:"repository"`
	Digest     string `json:"digest,omitempty"`
	// Tags are those of the repository that name it; of an image that an index
	// lists there may be none. ListedBy are the digests of such indexes.
	Tags     []string `json:"tags"`
	ListedBy []string `json:"listedBy,omitempty"`
	// Index is whether it lists images, Platform what an image is for.
	Index    bool   `json:"index"`
	Platform string `json:"platform,omitempty"`
	// Broken is why the registry's image cannot be used; empty where it can.
	Broken string `json:"broken,omitempty"`

	Signature auditedSignature `json:"signature"`
	// Statements are all that is attached, and Tests what it says of tests.
	Statements []checkedThing `json:"statements"`
	Tests      []testsThing   `json:"tests,omitempty"`
	// Origin is nil where no provenance of kiln's verifies: then nobody knows
	// what made it.
	Origin *made `json:"origin"`
	// Builder is who ran the build, by the provenance.
	Builder string `json:"builder,omitempty"`
	// Base is what it stands on, as the provenance has it, or, where
	// BaseClaimed is set, as an annotation says that anybody can have written.
	Base        string `json:"base,omitempty"`
	BaseClaimed bool   `json:"baseClaimed,omitempty"`
	// Created is what the configuration says, and Dated when the packages were
	// locked; Age is the days since Dated, or else since Created, and -1 where
	// neither is known.
	Created *time.Time `json:"created,omitempty"`
	Dated   *time.Time `json:"dated,omitempty"`
	Age     int        `json:"ageDays"`
	// EndOfLife is the last day on which its version is supported, where
	// somebody has said it.
	EndOfLife string `json:"endOfLife,omitempty"`
	// Size is of layers and configuration, compressed, in bytes.
	Size int64  `json:"size"`
	User string `json:"user"`
	// Findings are what rules say against what is in the image. Looked is
	// whether anybody could look.
	Findings []auditedFinding `json:"findings"`
	Looked   bool             `json:"looked"`

	Packages        auditedPackages        `json:"packages"`
	Vulnerabilities auditedVulnerabilities `json:"vulnerabilities"`
	// Rules are those of the policy, with what came of them, and readable where
	// the image is broken.
	Rules []policy.Result `json:"rules"`
	// Unknown is what cannot be known of it, in words.
	Unknown []string `json:"unknown,omitempty"`

	contents  *image.Contents
	evidence  *evidence
	inventory *scan.Inventory
	place     *candidate
}

// auditedSignature says who signed.
type auditedSignature struct {
	// State is verified, other (of somebody else, or one that does not fit),
	// none, or unasked where nobody is named who must have signed.
	State string `json:"state"`
	By    string `json:"by,omitempty"`
	// Reason is why it is not verified.
	Reason string `json:"reason,omitempty"`
}

// auditedFinding is one thing that a rule is against.
type auditedFinding struct {
	Rule string `json:"rule"`
	Path string `json:"path"`
	Text string `json:"text"`
}

// Where the packages of an image are known from.
const (
	fromSPDX = "spdx" // the signed document
	fromDpkg = "dpkg" // the database in the image
)

// auditedPackages are an image's Debian packages, as compared with the archive.
type auditedPackages struct {
	From    string         `json:"from,omitempty"`
	Count   int            `json:"count"`
	Newer   []policy.Newer `json:"newer"`
	Unknown string         `json:"unknown,omitempty"`
}

// security counts the packages that have a newer version among the security
// updates.
func (p *auditedPackages) security() int {
	n := 0
	for _, x := range p.Newer {
		if x.Security != "" {
			n++
		}
	}
	return n
}

// auditedVulnerabilities are those that the scan of an image found.
type auditedVulnerabilities struct {
	From     string         `json:"from,omitempty"`
	Findings []scan.Finding `json:"findings"`
	// Unmatched are components that no advisories can be found for, and Missing
	// the ecosystems that the database lacks.
	Unmatched int      `json:"unmatched"`
	Missing   []string `json:"missing,omitempty"`
	Unknown   string   `json:"unknown,omitempty"`

	result *scan.Result
}

// open are the findings that no VEX statement suppresses.
func (v *auditedVulnerabilities) open() []scan.Finding {
	var list []scan.Finding
	for _, f := range v.Findings {
		if f.Suppressed == nil {
			list = append(list, f)
		}
	}
	return list
}

// violations are the rules that refuse the image.
func (i *audited) violations() []policy.Result {
	var list []policy.Result
	for _, r := range i.Rules {
		if !r.OK {
			list = append(list, r)
		}
	}
	return list
}

// has reports whether a rule is against something in the image.
func (i *audited) has(rule string) bool {
	for _, f := range i.Findings {
		if f.Rule == rule {
			return true
		}
	}
	return false
}

// ruleReadable: the registry has the image with all its blobs.
const ruleReadable = "readable"

// audit is what kiln audit found, as --format json prints it.
type audit struct {
	Targets []string `json:"targets"`
	// At is when.
	At time.Time `json:"at"`
	// Policy is the file that the images were held to; empty where it is an
	// identity alone, Identity, or nobody.
	Policy   string `json:"policy,omitempty"`
	Identity string `json:"identity,omitempty"`
	// Archive is why nobody asked the archive, empty where it was asked; and
	// Advisories the folder that vulnerabilities were looked up in, empty for
	// none.
	Archive    string     `json:"archive,omitempty"`
	Advisories string     `json:"advisories,omitempty"`
	Images     []*audited `json:"images"`
	// Unlisted are repositories of which nothing is known, and Others counts
	// what is no image: charts, caches and the like.
	Unlisted []unlisted `json:"unlisted"`
	Others   int        `json:"others"`
	Summary  summed     `json:"summary"`
	// Rebuild is the matrix of recipes to build again.
	Rebuild matrix `json:"rebuild"`
}

// unlisted is a repository whose tags cannot be had.
type unlisted struct {
	Repository string `json:"repository"`
	Error      string `json:"error"`
}

// summed counts images.
type summed struct {
	Repositories int `json:"repositories"`
	Images       int `json:"images"`
	Violating    int `json:"violating"`
	Broken       int `json:"broken"`
	Unsigned     int `json:"unsigned"`
	UnknownMaker int `json:"unknownOrigin"`
	Outdated     int `json:"outdated"`
	Vulnerable   int `json:"vulnerable"`
}

// suiteOf is the release that the image's packages are of, empty where that is
// not known, and then why.
func (i *audited) suiteOf() (suite, why string) {
	if i.Origin != nil && i.Packages.From == fromSPDX {
		return i.Origin.Suite, ""
	}
	switch c := i.contents; {
	case c == nil:
		return "", "nobody could look into the image"
	case c.Distribution != "debian" && c.Distribution != "":
		return "", "it is of " + c.Distribution + ", whose archive kiln does not read"
	case c.Codename == "":
		return "", "it does not say which release its packages are of"
	}
	return i.contents.Codename, ""
}
