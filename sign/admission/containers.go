package admission

import (
	"encoding/base64"
	"encoding/json"

	"gopkg.in/yaml.v3"
)

// requirement is one of policy.json (containers-policy.json(5), "POLICY
// REQUIREMENTS").
type requirement struct {
	Type     string    `json:"type"`
	KeyData  string    `json:"keyData,omitempty"`
	KeyDatas []string  `json:"keyDatas,omitempty"`
	Identity *identity `json:"signedIdentity,omitempty"`
}

type identity struct {
	Type string `json:"type"`
}

// containers writes policy.json and a file of registries.d. Everything else is
// refused, as it should be where nothing more is said; who pulls other images
// as well adds them to it.
func containers(p Policy) ([]File, error) {
	// Signatures name the repository and no tag, so that is all that can be
	// asked to fit (containers-policy.json(5), "sigstoreSigned").
	signed := requirement{Type: "sigstoreSigned", Identity: &identity{"matchRepository"}}
	for _, k := range p.Keys {
		signed.KeyDatas = append(signed.KeyDatas, base64.StdEncoding.EncodeToString([]byte(k)))
	}
	if len(p.Keys) == 1 { // which older readers know as well
		signed.KeyData, signed.KeyDatas = signed.KeyDatas[0], nil
	}
	text, err := json.MarshalIndent(map[string]any{
		"default":    []requirement{{Type: "reject"}},
		"transports": map[string]any{"docker": map[string]any{p.Scope: []requirement{signed}}},
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	registries, err := yaml.Marshal(map[string]any{"docker": map[string]any{p.Scope: map[string]any{"use-sigstore-attachments": true}}})
	return []File{{"policy.json", append(text, '\n')}, {"registries.d/" + p.name() + ".yaml", registries}}, err
}
