package admission

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/kiln-build/kiln/sign"
)

// requirement is one of policy.json (containers-policy.json(5), "POLICY
// REQUIREMENTS").
type requirement struct {
	Type     string    `json:"type"`
	KeyData  string    `json:"keyData,omitempty"`
	KeyDatas []string  `json:"keyDatas,omitempty"`
	Fulcio   *fulcio   `json:"fulcio,omitempty"`
	LogData  string    `json:"rekorPublicKeyData,omitempty"`
	LogDatas []string  `json:"rekorPublicKeyDatas,omitempty"`
	Identity *identity `json:"signedIdentity,omitempty"`
}

type fulcio struct {
	Authorities string `json:"caData"`
	Issuer      string `json:"oidcIssuer"`
	Subject     string `json:"subjectEmail"`
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
	signed.KeyData, signed.KeyDatas = data(p.Keys)
	if len(p.Certificates) > 0 {
		if err := signed.certified(p); err != nil {
			return nil, err
		}
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

// data are texts as the format has them: one has a field of its own, which older
// readers know as well.
func data(texts []string) (one string, all []string) {
	for _, t := range texts {
		all = append(all, base64.StdEncoding.EncodeToString([]byte(t)))
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return "", all
}

// certified asks for an identity, of which the format knows little: one in place
// of keys, an address of mail by its exact issuer, whose signature a log has
// promised to record. All requirements would have to be met, not one of them.
func (r *requirement) certified(p Policy) error {
	c := p.Certificates[0]
	switch {
	case len(p.Certificates) > 1 || len(p.Keys) > 0:
		return errors.New("containers can be told of keys or of one certificate's identity, not of any among several")
	case c.Issuer == "" || c.Subject == "":
		return fmt.Errorf("containers can be told of an exact subject and issuer, not of expressions: %s", c)
	case !strings.Contains(c.Subject, "@") || strings.ContainsAny(c.Subject, "/: "):
		return fmt.Errorf("containers can be told of an address of mail, and %q is none", c.Subject)
	}
	var keys []string
	for _, l := range p.Material.Logs {
		if promises(l) {
			keys = append(keys, l.Key)
		}
	}
	if len(keys) == 0 {
		return errors.New("containers asks for the promise of a transparency log, and the trusted root names none with a key of ECDSA, as those have that make promises")
	}
	var roots strings.Builder
	for _, a := range p.Material.Authorities {
		roots.WriteString(a.Root)
	}
	r.Fulcio = &fulcio{base64.StdEncoding.EncodeToString([]byte(roots.String())), c.Issuer, c.Subject}
	r.LogData, r.LogDatas = data(keys)
	return nil
}

// promises reports whether a log can have made promises: its key is one of ECDSA,
// and the format is refused where another is in it.
func promises(l sign.Log) bool {
	block, _ := pem.Decode([]byte(l.Key))
	if block == nil {
		return false
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	_, ok := key.(*ecdsa.PublicKey)
	return err == nil && ok
}
