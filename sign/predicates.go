package sign

// Predicate types of statements that others make as well.
const (
	// PredicateScan is in-toto's for the vulnerabilities that a scan found, in
	// the version of which text and schema agree (attestation spec,
	// predicates/vulns_02.md). Cosign's vuln is another.
	PredicateScan = "https://in-toto.io/attestation/vulns/v0.2"
	// PredicateVEX is an OpenVEX document.
	PredicateVEX = "https://openvex.dev/ns"
)
