package sign

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign/virtual"
)

func TestTransparencyLog(t *testing.T) {
	log := startVirtual(t, virtual.Options{Logs: []int{1}})
	ours, other := rootOf(t, log), rootOf(t, startVirtual(t, virtual.Options{Logs: []int{1}}))
	key, subject := testKey(t), imageNamed(t, "an image")
	statements := []Statement{{PredicateType: PredicateSPDX, Predicate: json.RawMessage(`{"a":1}`)}}
	unlogged := signed(t, subject, key, statements, Options{})
	logged := signed(t, subject, key, statements, Options{TLog: log.URL + "/rekor1", Existing: unlogged})
	require := []string{PredicateSignature, PredicateSPDX}

	tests := []struct {
		name  string
		found recipes.Attached
		root  *Root
		want  error
	}{
		{"in the log", logged, ours, nil},
		{"in the log, referrers", recipes.Attached{Bundles: logged.Bundles}, ours, nil},
		{"in the log, tags", recipes.Attached{Signatures: logged.Signatures, Attestations: logged.Attestations}, ours, nil},
		{"nobody asks for the log", logged, nil, nil},
		{"not in the log", recipes.Attached{Bundles: unlogged.Bundles}, ours, ErrNotLogged},
		{"not in the log, tags", recipes.Attached{Signatures: unlogged.Signatures, Attestations: unlogged.Attestations}, ours, ErrNotLogged},
		{"in another log", recipes.Attached{Bundles: logged.Bundles}, other, ErrNotLogged},
		{"in another log, tags", recipes.Attached{Signatures: logged.Signatures, Attestations: logged.Attestations}, other, ErrNotLogged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Verify(t.Context(), subject.Digest, tt.found, Identity{Key: key, Root: tt.root}, require); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	again, err := Sign(t.Context(), subject, "registry.example/x", key, statements, Options{TLog: log.URL + "/rekor1", Existing: logged})
	if err != nil || len(again) != 0 {
		t.Errorf("signing again adds %d attachments, %v, want none", len(again), err)
	}
}

func TestLogUnreachable(t *testing.T) {
	key := testKey(t)
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
	return foundOf(t, attachments)
}
