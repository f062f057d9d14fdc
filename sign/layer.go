package sign

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	cbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/cosign/v2/pkg/types"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// layerEntity is a layer of the tag layout as sigstore-go's verifier takes it,
// so that both forms are verified by the same rules.
type layerEntity struct {
	verify.BaseSignedEntity
	sig        verify.SignatureContent
	material   verify.VerificationContent
	entries    []*tlog.Entry
	timestamps [][]byte
}

func (e *layerEntity) HasInclusionPromise() bool                          { return len(e.entries) > 0 }
func (e *layerEntity) SignatureContent() (verify.SignatureContent, error) { return e.sig, nil }
func (e *layerEntity) Timestamps() ([][]byte, error)                      { return e.timestamps, nil }
func (e *layerEntity) TlogEntries() ([]*tlog.Entry, error)                { return e.entries, nil }
func (e *layerEntity) Version() (string, error)                           { return "0.3", nil }
func (e *layerEntity) VerificationContent() (verify.VerificationContent, error) {
	return e.material, nil
}

// entity reads what annotations say besides the signature.
func (l layer) entity() (*layerEntity, error) {
	e := &layerEntity{material: &bundle.PublicKey{}}
	if text := l.annotations[static.CertificateAnnotationKey]; text != "" {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return nil, errors.New("certificate without PEM block")
		}
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		e.material = bundle.NewCertificate(leaf)
	}
	if text := l.annotations[static.RFC3161TimestampAnnotationKey]; text != "" {
		var stamp cbundle.RFC3161Timestamp
		if err := json.Unmarshal([]byte(text), &stamp); err != nil {
			return nil, fmt.Errorf("reading timestamp: %w", err)
		}
		e.timestamps = [][]byte{stamp.SignedRFC3161Timestamp}
	}
	if text := l.annotations[static.BundleAnnotationKey]; text != "" {
		entry, err := readEntry([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("reading log entry: %w", err)
		}
		e.entries = []*tlog.Entry{entry}
	}
	return e, nil
}

// readEntry reads a log entry as cosign's annotation has it.
func readEntry(text []byte) (*tlog.Entry, error) {
	var b struct {
		SignedEntryTimestamp []byte
		Payload              struct {
			Body           []byte `json:"body"`
			IntegratedTime int64  `json:"integratedTime"`
			LogIndex       int64  `json:"logIndex"`
			LogID          string `json:"logID"`
		}
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(b.Payload.LogID)
	if err != nil {
		return nil, err
	}
	var kind struct {
		Kind    string `json:"kind"`
		Version string `json:"apiVersion"`
	}
	if err := json.Unmarshal(b.Payload.Body, &kind); err != nil {
		return nil, err
	}
	return tlog.ParseTransparencyLogEntry(&protorekor.TransparencyLogEntry{
		LogIndex: b.Payload.LogIndex, LogId: &protocommon.LogId{KeyId: id}, IntegratedTime: b.Payload.IntegratedTime,
		KindVersion:       &protorekor.KindVersion{Kind: kind.Kind, Version: kind.Version},
		InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: b.SignedEntryTimestamp},
		CanonicalizedBody: b.Payload.Body,
	})
}

// message is the claim of a simple-signing signature.
func (l layer) message() (claim, error) {
	e, err := l.entity()
	if err != nil {
		return claim{}, err
	}
	sig, err := base64.StdEncoding.DecodeString(l.annotations[static.SignatureAnnotationKey])
	if err != nil {
		return claim{}, fmt.Errorf("reading signature: %w", err)
	}
	name, hash := e.hash()
	h := hash.New()
	h.Write(l.payload)
	e.sig = bundle.NewMessageSignature(h.Sum(nil), name, sig)
	return claim{SignedEntity: e, message: l.payload}, nil
}

// hash is the digest that the log entry has of what was signed: it must be
// compared with the same. Without an entry it does not matter.
func (e *layerEntity) hash() (string, crypto.Hash) {
	for _, entry := range e.entries {
		switch _, name, _ := entry.GetHashedRekordDigest(); name {
		case "sha384":
			return name, crypto.SHA384
		case "sha512":
			return name, crypto.SHA512
		}
	}
	return "sha256", crypto.SHA256
}

// envelope is the claim of a statement.
func (l layer) envelope() (claim, about, error) {
	var env dsse.Envelope
	if err := json.Unmarshal(l.payload, &env); err != nil {
		return claim{}, about{}, err
	}
	if env.PayloadType != types.IntotoPayloadType {
		return claim{}, about{}, fmt.Errorf("content is %q, want an in-toto statement", env.PayloadType)
	}
	raw, err := base64.StdEncoding.DecodeString(env.Payload)
	if err != nil {
		return claim{}, about{}, err
	}
	statement, err := readStatement(raw)
	if err != nil {
		return claim{}, statement, err
	}
	e, err := l.entity()
	if err != nil {
		return claim{}, statement, err
	}
	e.sig = &content{Envelope: &bundle.Envelope{Envelope: &env}, statement: statement}
	return claim{SignedEntity: e, stamped: l.payload}, statement, nil
}
