package recipes

import (
	"path/filepath"
	"slices"
	"time"
)

// Policy says which images may be used. A field that is empty asks for
// nothing, but for Identities, without which there is no policy.
type Policy struct {
	// Identities may sign images. One of them must have signed an image, and
	// all that must be said about it.
	Identities []PolicyIdentity `yaml:"identities" kiln:"required"`
	// Statements must be attached: spdx, provenance, tests, scan, vex, rebuild
	// or vsa, or the URI of a predicate type. Empty is spdx, provenance, tests.
	Statements []string `yaml:"statements" kiln:"single"`
	// Builders are the builder ids that provenance may name.
	Builders []string `yaml:"builders" kiln:"single"`
	// Bases are what the base of an image may be: names of kiln's own, or
	// patterns of registry images, in which * is any text.
	Bases []string `yaml:"bases" kiln:"single"`
	// Sources are patterns of where source code, and what steps fetched, may
	// come from: the URIs that provenance has for them, and local:PATH for a
	// folder beside the recipe. In them * is any text.
	Sources []string `yaml:"sources" kiln:"single"`
	// DenyLicenses are patterns of SPDX license ids that nothing in an image
	// may be under. NOASSERTION is what nobody knows the license of.
	DenyLicenses []string `yaml:"deny-licenses" kiln:"single"`
	// Refuse are rules about images, whatever a recipe allows: see
	// PolicyRules.
	Refuse []string `yaml:"refuse" kiln:"single"`
	// MaxAge is how old the packages of an image may be, as 90d: since the
	// newest index of the archive that they were locked with.
	MaxAge string `yaml:"max-age" kiln:"scalar"`
	// MaxSize is how large an image may be, compressed, as 200M.
	MaxSize string `yaml:"max-size" kiln:"scalar"`
	// MinCoverage is how much of an image its SBOM must account for, in
	// percent.
	MinCoverage *int `yaml:"min-coverage"`
	// Rebuilds are who else must have built the image, and got the same.
	Rebuilds *PolicyRebuilds `yaml:"rebuilds"`
	// Vulnerabilities are how long known ones may stay, by the signed report of
	// a scan.
	Vulnerabilities *PolicyVulnerabilities `yaml:"vulnerabilities"`
}

// PolicyIdentity is somebody who signs: who has a key, or whom a certificate was
// issued to, of which subject and issuer are said, each either exactly or as a
// regular expression that the whole text must match.
type PolicyIdentity struct {
	// Key is the file of a public key.
	Key string `yaml:"key"`
	// Subject is the certificate's: an address of mail, or of a workflow.
	Subject string `yaml:"subject"`
	// SubjectRegexp is an expression that the whole subject must match.
	SubjectRegexp string `yaml:"subject-regexp"`
	// Issuer is that of the identity which the certificate was issued for.
	Issuer string `yaml:"issuer"`
	// IssuerRegexp is an expression that the whole issuer must match.
	IssuerRegexp string `yaml:"issuer-regexp"`
}

// Certified reports whether it is one of certificates.
func (id PolicyIdentity) Certified() bool {
	id.Key = ""
	return id != PolicyIdentity{}
}

// PolicyRebuilds asks for builders that made the same image again.
type PolicyRebuilds struct {
	// Count is how many of them must have.
	Count int `yaml:"count" kiln:"required"`
	// By are those who count. They have keys: descriptions of certificates may
	// fit one and the same builder.
	By []PolicyIdentity `yaml:"by" kiln:"required"`
}

// PolicyVulnerabilities is how many days known vulnerabilities may stay in an
// image after they were published. Nil is the default: 7 for critical and high
// ones, 30 for all others, 1 for those known to be exploited.
type PolicyVulnerabilities struct {
	// Critical are the days for critical ones; left out, 7.
	Critical *int `yaml:"critical"`
	// High are the days for high ones; left out, 7.
	High *int `yaml:"high"`
	// Medium are the days for medium ones; left out, 30.
	Medium *int `yaml:"medium"`
	// Low are the days for low ones; left out, 30.
	Low *int `yaml:"low"`
	// Unknown are the days for those that nobody has rated; left out, 30.
	Unknown *int `yaml:"unknown"`
	// KnownExploited are the days for vulnerabilities that are known to be exploited; left out, 1.
	KnownExploited *int `yaml:"known-exploited"`
	// ScanAge is how many days old the scan may be, and the newest advisory that
	// it knew. Nil is 7.
	ScanAge *int `yaml:"scan-age"`
}

// Default days of grace, and of a scan.
const (
	graceSevere    = 7
	graceOther     = 30
	graceExploited = 1
	scanAge        = 7
)

// Grace is how many days a vulnerability of the severity, in lower case, may
// stay. A severity that has none of the names counts as unknown.
func (v PolicyVulnerabilities) Grace(severity string, exploited bool) int {
	days := map[string]*int{"critical": v.Critical, "high": v.High, "medium": v.Medium, "low": v.Low, "none": v.Low}
	d, known := days[severity]
	if !known {
		d = v.Unknown
	}
	grace := graceOther
	if severity == "critical" || severity == "high" {
		grace = graceSevere
	}
	if d != nil {
		grace = *d
	}
	if !exploited {
		return grace
	}
	if v.KnownExploited != nil {
		return min(grace, *v.KnownExploited)
	}
	return min(grace, graceExploited)
}

// MaxScanAge is how old the scan may be.
func (v PolicyVulnerabilities) MaxScanAge() time.Duration {
	days := scanAge
	if v.ScanAge != nil {
		days = *v.ScanAge
	}
	return time.Duration(days) * 24 * time.Hour
}

// Age is MaxAge as a duration; 0 is none.
func (p *Policy) Age() time.Duration { return days(p.MaxAge, "0d") }

// Bytes is MaxSize in bytes; 0 is none.
func (p *Policy) Bytes() int64 { return Runtime{Memory: p.MaxSize}.MemoryBytes() }

// PolicyRules are the rules about images that a policy can hold them to: those
// that can be seen in an image, whoever made it, and those about how it has
// aged.
func PolicyRules() []string {
	return []string{
		RuleRootUser, RuleSetuid, RuleFileCapability, RuleWorldWritable, RuleShell,
		RulePackageManager, RuleDevice, RulePrivateKey, RuleEnvSecret,
		RuleEndOfLife, RuleOutdated, RuleOutdatedSecurity,
	}
}

// AsksArchive reports whether p holds an image to what the archive has today.
func (p *Policy) AsksArchive() bool {
	return slices.Contains(p.Refuse, RuleOutdated) || slices.Contains(p.Refuse, RuleOutdatedSecurity)
}

// locate makes the paths of p, which are relative to dir, lead there from here.
func (p *Policy) locate(dir string) {
	lists := [][]PolicyIdentity{p.Identities}
	if p.Rebuilds != nil {
		lists = append(lists, p.Rebuilds.By)
	}
	for _, list := range lists {
		for i := range list {
			if !filepath.IsAbs(list[i].Key) && list[i].Key != "" {
				list[i].Key = filepath.Join(dir, list[i].Key)
			}
		}
	}
}
