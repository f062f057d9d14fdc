package virtual

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/go-openapi/runtime"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekorpb "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/rekor/pkg/generated/models"
	rekortypes "github.com/sigstore/rekor/pkg/types"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore/pkg/signature"
	checkpoint "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"
)

const entriesPath = "/api/v1/log/entries/"

// record is the first Rekor's POST /api/v1/log/entries.
func (i *Instance) record(w http.ResponseWriter, req *http.Request) {
	body, err := canonical(req.Context(), req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	sum := sha256.Sum256(body)
	id := hex.EncodeToString(sum[:])
	i.mu.Lock()
	_, exists := i.entries[id]
	i.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", entriesPath+id)
	if exists {
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"code":409,"message":"an equivalent entry already exists"}`) //nolint:errcheck // a test
		return
	}
	entry, err := i.entry(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	i.mu.Lock()
	i.entries[id] = *entry
	i.mu.Unlock()
	w.Header().Set("ETag", id)
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(models.LogEntry{id: *entry}) //nolint:errcheck // a test
}

// recorded is GET /api/v1/log/entries/{id}.
func (i *Instance) recorded(w http.ResponseWriter, req *http.Request) {
	id := req.PathValue("id")
	i.mu.Lock()
	entry, ok := i.entries[id]
	i.mu.Unlock()
	if !ok {
		http.NotFound(w, req)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(models.LogEntry{id: entry}) //nolint:errcheck // a test
}

func canonical(ctx context.Context, body io.Reader) ([]byte, error) {
	proposed, err := models.UnmarshalProposedEntry(body, runtime.JSONConsumer())
	if err != nil {
		return nil, err
	}
	impl, err := rekortypes.UnmarshalEntry(proposed)
	if err != nil {
		return nil, err
	}
	return rekortypes.CanonicalizeEntry(ctx, impl)
}

func (i *Instance) entry(body []byte) (*models.LogEntryAnon, error) {
	id, err := i.sigstore.RekorLogID()
	if err != nil {
		return nil, err
	}
	index, now := int64(0), time.Now().Unix()
	payload := tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(body), IntegratedTime: now, LogIndex: index, LogID: id,
	}
	promise, err := i.sigstore.RekorSignPayload(payload)
	if err != nil {
		return nil, err
	}
	proof, err := i.sigstore.GetInclusionProof(body)
	if err != nil {
		return nil, err
	}
	return &models.LogEntryAnon{
		Body: payload.Body, IntegratedTime: &now, LogIndex: &index, LogID: &id,
		Verification: &models.LogEntryAnonVerification{SignedEntryTimestamp: promise, InclusionProof: proof},
	}, nil
}

// record2 is the second Rekor's POST /api/v2/log/entries. What it has is not
// kept, so it never has one twice.
func (i *Instance) record2(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var asked rekorpb.CreateEntryRequest
	if err := protojson.Unmarshal(body, &asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	entry, err := i.included(req.Context(), asked.GetHashedRekordRequestV002())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer, err := protojson.Marshal(entry)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	w.Write(answer) //nolint:errcheck // a test
}

// included is the entry as the only one in a log.
func (i *Instance) included(ctx context.Context, asked *rekorpb.HashedRekordRequestV002) (*protorekor.TransparencyLogEntry, error) {
	body, err := canonical2(asked)
	if err != nil {
		return nil, err
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(body)
	signer, err := signature.LoadECDSASignerVerifier(i.second, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	noteSigner, err := rekornote.NewNoteSigner(ctx, secondOrigin, signer)
	if err != nil {
		return nil, err
	}
	text := checkpoint.Checkpoint{Origin: secondOrigin, Size: 1, Hash: leaf}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(text)}, noteSigner)
	if err != nil {
		return nil, err
	}
	id, err := keyID(i.second.Public())
	if err != nil {
		return nil, err
	}
	return &protorekor.TransparencyLogEntry{
		LogId:       &protocommon.LogId{KeyId: id},
		KindVersion: &protorekor.KindVersion{Kind: "hashedrekord", Version: "0.0.2"},
		InclusionProof: &protorekor.InclusionProof{
			TreeSize: 1, RootHash: leaf, Checkpoint: &protorekor.Checkpoint{Envelope: string(signed)},
		},
		CanonicalizedBody: body,
	}, nil
}

func canonical2(asked *rekorpb.HashedRekordRequestV002) ([]byte, error) {
	details, err := signature.GetAlgorithmDetails(asked.GetSignature().GetVerifier().GetKeyDetails())
	if err != nil {
		return nil, err
	}
	record := &rekorpb.HashedRekordLogEntryV002{
		Data:      &protocommon.HashOutput{Algorithm: details.GetProtoHashType(), Digest: asked.GetDigest()},
		Signature: asked.GetSignature(),
	}
	raw, err := protojson.Marshal(&rekorpb.Entry{
		Kind: "hashedrekord", ApiVersion: "0.0.2",
		Spec: &rekorpb.Spec{Spec: &rekorpb.Spec_HashedRekordV002{HashedRekordV002: record}},
	})
	if err != nil {
		return nil, err
	}
	return jsoncanonicalizer.Transform(raw)
}
