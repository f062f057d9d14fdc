package sign

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-openapi/runtime"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/rekor/pkg/generated/models"
	rekortypes "github.com/sigstore/rekor/pkg/types"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"

	"github.com/kiln-build/kiln/recipes"
)

// rekor is a transparency log's write side, with the keys of sigstore-go's
// virtual instance: entries are real, only the log behind them is not.
func rekor(t *testing.T, virtual *ca.VirtualSigstore) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		entry, err := logEntry(req.Context(), virtual, req.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", "uuid")
		w.Header().Set("Location", "/api/v1/log/entries/uuid")
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(models.LogEntry{"uuid": *entry}) //nolint:errcheck // a test
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func logEntry(ctx context.Context, virtual *ca.VirtualSigstore, body io.Reader) (*models.LogEntryAnon, error) {
	proposed, err := models.UnmarshalProposedEntry(body, runtime.JSONConsumer())
	if err != nil {
		return nil, err
	}
	impl, err := rekortypes.UnmarshalEntry(proposed)
	if err != nil {
		return nil, err
	}
	canonical, err := rekortypes.CanonicalizeEntry(ctx, impl)
	if err != nil {
		return nil, err
	}
	id, err := virtual.RekorLogID()
	if err != nil {
		return nil, err
	}
	index, now := int64(0), time.Now().Unix()
	payload := tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(canonical), IntegratedTime: now, LogIndex: index, LogID: id,
	}
	promise, err := virtual.RekorSignPayload(payload)
	if err != nil {
		return nil, err
	}
	proof, err := virtual.GetInclusionProof(canonical)
	if err != nil {
		return nil, err
	}
	return &models.LogEntryAnon{
		Body: payload.Body, IntegratedTime: &now, LogIndex: &index, LogID: &id,
		Verification: &models.LogEntryAnonVerification{SignedEntryTimestamp: promise, InclusionProof: proof},
	}, nil
}

func TestTransparencyLog(t *testing.T) {
	virtual, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	other, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := cosign.GenerateKeyPair(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := LoadKey(pair.PrivateBytes, nil)
	if err != nil {
		t.Fatal(err)
	}
	digest, size, err := v1.SHA256(strings.NewReader("an image"))
	if err != nil {
		t.Fatal(err)
	}
	subject := v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: digest, Size: size}
	statements := []Statement{{PredicateType: PredicateSPDX, Predicate: json.RawMessage(`{"a":1}`)}}
	unlogged := signed(t, subject, key, statements, Options{})
	logged := signed(t, subject, key, statements, Options{TLog: rekor(t, virtual), Existing: unlogged})
	require := []string{PredicateSignature, PredicateSPDX}

	tests := []struct {
		name  string
		found recipes.Attached
		log   root.TrustedMaterial
		want  error
	}{
		{"in the log", logged, virtual, nil},
		{"in the log, referrers", recipes.Attached{Bundles: logged.Bundles}, virtual, nil},
		{"in the log, tags", recipes.Attached{Signatures: logged.Signatures, Attestations: logged.Attestations}, virtual, nil},
		{"nobody asks for the log", logged, nil, nil},
		{"not in the log", recipes.Attached{Bundles: unlogged.Bundles}, virtual, ErrNotLogged},
		{"not in the log, tags", recipes.Attached{Signatures: unlogged.Signatures, Attestations: unlogged.Attestations}, virtual, ErrNotLogged},
		{"in another log", recipes.Attached{Bundles: logged.Bundles}, other, ErrNotLogged},
		{"in another log, tags", recipes.Attached{Signatures: logged.Signatures, Attestations: logged.Attestations}, other, ErrNotLogged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := Identity{Key: key}
			if tt.log != nil {
				id.Root = loadedRoot(t, tt.log)
			}
			if _, err := Verify(t.Context(), digest, tt.found, id, require); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	again, err := Sign(t.Context(), subject, "registry.example/x", key, statements, Options{TLog: rekor(t, virtual), Existing: logged})
	if err != nil || len(again) != 0 {
		t.Errorf("signing again adds %d attachments, %v, want none", len(again), err)
	}
}

// loadedRoot is the log as people have it: in a trusted root.
func loadedRoot(t *testing.T, virtual root.TrustedMaterial) *Root {
	t.Helper()
	logs := virtual.RekorLogs()
	for id, log := range logs { // the virtual one has the id as text
		raw, err := hex.DecodeString(id)
		if err != nil {
			t.Fatal(err)
		}
		log.ID = raw
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, nil, nil, nil, logs)
	if err != nil {
		t.Fatal(err)
	}
	text, err := trusted.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadRoot(text)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestLogUnreachable(t *testing.T) {
	pair, err := cosign.GenerateKeyPair(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := LoadKey(pair.PrivateBytes, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	subject := v1.Descriptor{Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(make([]byte, 32))}}
	if got, err := Sign(t.Context(), subject, "registry.example/x", key, nil, Options{TLog: server.URL}); err == nil {
		t.Errorf("got %d attachments without the log that was asked for", len(got))
	}
}

func signed(t *testing.T, subject v1.Descriptor, key *Key, list []Statement, opts Options) recipes.Attached {
	t.Helper()
	attachments, err := Sign(t.Context(), subject, "registry.example/x", key, list, opts)
	if err != nil {
		t.Fatal(err)
	}
	var found recipes.Attached
	for _, a := range attachments {
		if a.Tag != "" {
			found.SetTag(a)
			continue
		}
		layers, err := a.Image.Layers()
		if err != nil {
			t.Fatal(err)
		}
		rc, err := layers[0].Compressed()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		found.Bundles = append(found.Bundles, recipes.Bundle{Data: data})
	}
	return found
}
