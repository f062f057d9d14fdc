package admission

import (
	"bytes"
	"strconv"

	"gopkg.in/yaml.v3"
)

// object is a mapping that is written in the order of its pairs.
type object []pair

type pair struct {
	key   string
	value any
}

// MarshalYAML implements yaml.Marshaler.
func (o object) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, p := range o {
		var key, value yaml.Node
		if err := key.Encode(p.key); err != nil {
			return nil, err
		}
		if err := value.Encode(p.value); err != nil {
			return nil, err
		}
		n.Content = append(n.Content, &key, &value)
	}
	return n, nil
}

func documents(name string, list ...object) ([]File, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	for _, o := range list {
		if err := enc.Encode(o); err != nil {
			return nil, err
		}
	}
	err := enc.Close()
	return []File{{name, b.Bytes()}}, err
}

// policyController writes ClusterImagePolicies (policy.sigstore.dev/v1beta1).
// Any authority of one is enough, and all policies that match an image must be
// met: so rebuilds are a policy of their own, and where all builders must have
// made the image, each has one.
func policyController(p Policy) ([]File, error) {
	if err := p.checkRebuilds(); err != nil {
		return nil, err
	}
	var list []object
	signers := keyAuthorities(p.Keys)
	for i, c := range p.Certificates {
		signers = append(signers, append(object{{"name", "identity-" + strconv.Itoa(i+1)}}, p.keyless(c)...))
	}
	if len(p.Certificates) > 0 {
		list = append(list, p.trustRoot())
	}
	list = append(list, p.clusterImagePolicy(p.name(), signers, p.Statements))
	rebuilders, rebuilt := keyAuthorities(p.Rebuilders), []string{p.RebuildType}
	switch {
	case p.Rebuilds == 1:
		list = append(list, p.clusterImagePolicy(p.name()+"-rebuilt", rebuilders, rebuilt))
	case p.Rebuilds > 0 && p.Rebuilds == len(p.Rebuilders): // of all others, LeftOut tells
		for i, k := range p.Rebuilders {
			list = append(list, p.clusterImagePolicy(p.name()+"-rebuilt-"+strconv.Itoa(i+1), keyAuthorities([]string{k}), rebuilt))
		}
	}
	return documents("clusterimagepolicy.yaml", list...)
}

func keyAuthorities(keys []string) (list []object) {
	for i, k := range keys {
		list = append(list, object{
			{"name", "key-" + strconv.Itoa(i+1)},
			{"key", object{{"data", k}, {"hashAlgorithm", "sha256"}}},
			{"ctlog", object{}}, // no log has to know a signature by a key
		})
	}
	return list
}

// clusterImagePolicy is met where one of the authorities signed the image and all
// of the statements.
func (p Policy) clusterImagePolicy(name string, signers []object, statements []string) object {
	var attestations, authorities []object
	for _, t := range statements {
		attestations = append(attestations, object{{"name", shortName(t)}, {"predicateType", t}})
	}
	for _, a := range signers {
		if len(attestations) > 0 {
			a = append(a, pair{"attestations", attestations})
		}
		authorities = append(authorities, a)
	}
	return object{
		{"apiVersion", "policy.sigstore.dev/v1beta1"}, {"kind", "ClusterImagePolicy"},
		{"metadata", object{{"name", name}}},
		{"spec", object{
			{"images", []object{{{"glob", p.Scope + "/**"}}}},
			{"mode", "enforce"},
			{"authorities", authorities},
		}},
	}
}

// kyverno writes a ClusterPolicy (kyverno.io/v1).
func kyverno(p Policy) ([]File, error) {
	if err := p.checkRebuilds(); err != nil {
		return nil, err
	}
	signers := keyEntries(p.Keys)
	if len(p.Certificates) > 0 {
		if err := checkMaterial("kyverno", p.Material); err != nil {
			return nil, err
		}
	}
	for _, c := range p.Certificates {
		signers = append(signers, kyvernoKeyless(c, p.Material))
	}
	verify := object{
		{"imageReferences", []string{p.Scope + "/*"}},
		{"required", true}, {"mutateDigest", true}, {"verifyDigest", true},
		{"attestors", []object{attestor(1, signers)}},
	}
	var attestations []object
	for _, t := range p.Statements {
		attestations = append(attestations, object{{"type", t}, {"attestors", []object{attestor(1, signers)}}})
	}
	if p.Rebuilds > 0 {
		attestations = append(attestations, object{{"type", p.RebuildType}, {"attestors", []object{attestor(p.Rebuilds, keyEntries(p.Rebuilders))}}})
	}
	if len(attestations) > 0 {
		verify = append(verify, pair{"attestations", attestations})
	}
	return documents("kyverno.yaml", object{
		{"apiVersion", "kyverno.io/v1"}, {"kind", "ClusterPolicy"},
		{"metadata", object{{"name", p.name()}}},
		{"spec", object{
			{"validationFailureAction", "Enforce"}, {"failurePolicy", "Fail"}, {"background", false}, {"webhookTimeoutSeconds", 30},
			{"rules", []object{{
				{"name", "signed"},
				{"match", object{{"any", []object{{{"resources", object{{"kinds", []string{"Pod"}}}}}}}}},
				{"verifyImages", []object{verify}},
			}}},
		}},
	})
}

// attestor asks for signatures by so many of the entries.
func attestor(count int, entries []object) object {
	return object{{"count", count}, {"entries", entries}}
}

// keyEntries are entries of attestors. No log has to know signatures by keys.
func keyEntries(keys []string) (entries []object) {
	for _, k := range keys {
		entries = append(entries, object{{"keys", object{
			{"publicKeys", k}, {"rekor", object{{"ignoreTlog", true}}}, {"ctlog", object{{"ignoreSCT", true}}},
		}}})
	}
	return entries
}
