package sign

// Predicate types of statements that others make as well.
const (
	// PredicateScan is in-toto's for the vulnerabilities that a scan found
	// (attestation spec, predicates/vuln.md).
	PredicateScan = "https://in-toto.io/attestation/vulns/v0.1"
	// PredicateVEX is an OpenVEX document.
	PredicateVEX = "https://openvex.dev/ns"
)
