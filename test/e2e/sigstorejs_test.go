//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// verifyJS verifies a bundle as npm does it: its signature, the certificate, the
// timestamp, and the log's entry with its proof. The library compares an entry
// for a statement with the digest of the payload, where Rekor's clients record
// that of all that is signed, so it is told of the latter.
const verifyJS = `
const fs = require('fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { crypto, dsse } = require('@sigstore/core');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');
const [root, file, subject, issuer] = process.argv.slice(2);
const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(fs.readFileSync(root))));
const verifier = new Verifier(material, { tlogThreshold: 1, ctlogThreshold: 0, timestampThreshold: 1 });
const bundle = bundleFromJSON(JSON.parse(fs.readFileSync(file)));
const entity = toSignedEntity(bundle);
const { payloadType, payload } = bundle.content.dsseEnvelope;
const signed = crypto.digest('sha256', dsse.preAuthEncoding(payloadType, payload));
entity.signature.compareDigest = (digest) => crypto.bufferEqual(digest, signed);
verifier.verify(entity, { subjectAlternativeName: subject, extensions: { issuer } });
`

// sigstoreJS has Sigstore's JavaScript library verify every bundle, and refuse
// each of them where something about it is not as it should be.
func sigstoreJS(t *testing.T, b *bed, s *instance, image, who string) {
	dir := t.TempDir()
	script := filepath.Join(dir, "verify.js")
	if err := os.WriteFile(script, []byte(verifyJS), 0o600); err != nil {
		t.Fatal(err)
	}
	b.must(t, "npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--loglevel", "error",
		"@sigstore/verify@3.1.1", "@sigstore/bundle@4.0.0", "@sigstore/core@3.2.1", "@sigstore/protobuf-specs@0.5.2")
	files := bundles(t, b, image, dir)
	if want := 1 + len(statements); len(files) != want {
		t.Fatalf("got %d bundles, want %d", len(files), want)
	}
	foreign := foreignRoot(t, 2)
	for i, file := range files {
		b.must(t, "node", script, s.root, file, who, s.issuer)
		replayed := readBundle(t, files[(i+1)%len(files)])
		for reason, args := range map[string][]string{
			"certificate identity error - expected mallory@corp.example, got " + who: {s.root, file, "mallory@corp.example", s.issuer},
			"invalid certificate extension - expected issuer=https://other.example":  {s.root, file, who, "https://other.example"},
			"timestamp could not be verified":                                        {foreign, file, who, s.issuer},
			"digest mismatch": {s.root, editBundle(t, file, func(x map[string]any) {
				envelope := x["dsseEnvelope"].(map[string]any)
				envelope["payload"] = base64.StdEncoding.EncodeToString([]byte("{}"))
			}), who, s.issuer},
			"signature mismatch": {s.root, editBundle(t, file, func(x map[string]any) {
				x["verificationMaterial"].(map[string]any)["tlogEntries"] = replayed["verificationMaterial"].(map[string]any)["tlogEntries"]
			}), who, s.issuer},
			"expected 1 tlog entries, got 0": {s.root, editBundle(t, file, func(x map[string]any) {
				x["verificationMaterial"].(map[string]any)["tlogEntries"] = []any{}
			}), who, s.issuer},
		} {
			if r := b.run(t, "node", append([]string{script}, args...)...); r.code == 0 || !strings.Contains(r.stderr, reason) {
				t.Errorf("exit code %d, want a refusal that says %q:\n%s", r.code, reason, r.stderr)
			}
		}
	}
}

func readBundle(t *testing.T, file string) (bundle map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, file)), &bundle); err != nil {
		t.Fatal(err)
	}
	return bundle
}

// editBundle writes a bundle with a change into a file.
func editBundle(t *testing.T, file string, edit func(map[string]any)) string {
	t.Helper()
	bundle := readBundle(t, file)
	edit(bundle)
	edited := filepath.Join(t.TempDir(), "edited.json")
	writeJSON(t, edited, bundle)
	return edited
}

// bundles writes the bundles among an image's referrers into files.
func bundles(t *testing.T, b *bed, image, dir string) []string {
	t.Helper()
	ref, err := name.NewDigest(image)
	if err != nil {
		t.Fatal(err)
	}
	list, err := remote.Referrers(ref, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := list.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, d := range m.Manifests {
		if !strings.HasPrefix(d.ArtifactType, bundleType) {
			continue // the archive of the recipe's folder
		}
		img, err := remote.Image(ref.Context().Digest(d.Digest.String()), b.remote(t)...)
		if err != nil {
			t.Fatal(err)
		}
		layers, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		rc, err := layers[0].Compressed()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(dir, d.Digest.Hex+".json"))
		if err := os.WriteFile(files[len(files)-1], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
