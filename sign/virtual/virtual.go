// Package virtual is a whole Sigstore instance in one process, for tests: a
// certificate authority, transparency logs of both versions, and a timestamp
// authority, behind the interfaces of the real ones. Their keys, certificates,
// entries and proofs are real; only the logs behind them hold nothing, and
// identity tokens are believed.
//
// Start at [Start].
package virtual

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
)

// Options say what the instance is like.
type Options struct {
	// Logs are the versions of its transparency logs, 1 or 2 or none.
	Logs []int
	// Timestamps is whether it has a timestamp authority.
	Timestamps bool
	// Now is the time that certificates are issued at, in place of the
	// clock's.
	Now func() time.Time
}

// Instance is a running one. Its servers are below URL.
type Instance struct {
	URL string

	options   Options
	server    *httptest.Server
	sigstore  *ca.VirtualSigstore // the log of the first version
	authority *root.FulcioCertificateAuthority
	signer    *ecdsa.PrivateKey // of the authority
	second    *ecdsa.PrivateKey // of the log of the second version
	stamper   *root.SigstoreTimestampingAuthority
	stampKey  *ecdsa.PrivateKey

	mu      sync.Mutex
	entries map[string]models.LogEntryAnon // of the first log, by id
	fault   Fault
	count   map[string]int
}

// Fault may answer a request in the instance's place, before it is dealt with
// or, with done, after: then it returns true.
type Fault func(w http.ResponseWriter, req *http.Request, done bool) bool

// Start starts an instance on a loopback address.
func Start(o Options) (*Instance, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	i := &Instance{options: o, entries: map[string]models.LogEntryAnon{}, count: map[string]int{}}
	if err := i.keys(); err != nil {
		return nil, fmt.Errorf("making keys: %w", err)
	}
	mux := http.NewServeMux()
	for pattern, serve := range map[string]http.HandlerFunc{
		"POST /fulcio/api/v2/signingCert":     i.issue,
		"POST /rekor1/api/v1/log/entries":     i.record,
		"GET /rekor1/api/v1/log/entries/{id}": i.recorded,
		"POST /rekor2/api/v2/log/entries":     i.record2,
		"POST /tsa/api/v1/timestamp":          i.stamp,
		"GET /token":                          i.token,
	} {
		mux.HandleFunc(pattern, i.counted(serve))
	}
	if err := i.provide(mux); err != nil {
		return nil, fmt.Errorf("making keys: %w", err)
	}
	i.server = httptest.NewServer(mux)
	i.URL = i.server.URL
	return i, nil
}

// Close ends it.
func (i *Instance) Close() { i.server.CloseClientConnections(); i.server.Close() }

// Break has the fault look at every request from now on; nil mends it.
func (i *Instance) Break(f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fault = f
}

// Count is how many requests there were for a path.
func (i *Instance) Count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count[path]
}

func (i *Instance) counted(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		i.mu.Lock()
		i.count[req.URL.Path]++
		fault := i.fault
		i.mu.Unlock()
		// Only where the body was read does the server notice that a client
		// has gone.
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		if fault != nil && fault(w, req, false) {
			return
		}
		answer := httptest.NewRecorder()
		serve(answer, req)
		if fault != nil && fault(w, req, true) {
			return
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes()) //nolint:errcheck // the client will see
	}
}

func (i *Instance) keys() error {
	var err error
	if i.sigstore, err = ca.NewVirtualSigstore(); err != nil {
		return err
	}
	rootCert, rootKey, err := ca.GenerateRootCa()
	if err != nil {
		return err
	}
	intermediate, key, err := ca.GenerateFulcioIntermediate(rootCert, rootKey)
	if err != nil {
		return err
	}
	now := time.Now()
	i.signer = key
	i.authority = &root.FulcioCertificateAuthority{
		Root: rootCert, Intermediates: []*x509.Certificate{intermediate}, URI: "https://fulcio.localhost",
		ValidityPeriodStart: now.Add(-5 * time.Hour), ValidityPeriodEnd: now.Add(5 * time.Hour),
	}
	if i.second, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	return i.stampKeys(rootCert, rootKey)
}

// secondOrigin is the name of the log of the second version.
const secondOrigin = "rekor2.localhost"

// logs are what a trusted root says about the transparency logs.
func (i *Instance) logs() (map[string]*root.TransparencyLog, error) {
	all := map[string]*root.TransparencyLog{}
	for _, version := range i.options.Logs {
		if version == 2 {
			id, err := keyID(i.second.Public())
			if err != nil {
				return nil, err
			}
			all[hex.EncodeToString(id)] = &root.TransparencyLog{
				BaseURL: "https://" + secondOrigin, ID: id, HashFunc: crypto.SHA256, SignatureHashFunc: crypto.SHA256,
				PublicKey: i.second.Public(), ValidityPeriodStart: time.Now().Add(-time.Hour),
			}
			continue
		}
		for id, log := range i.sigstore.RekorLogs() {
			raw, err := hex.DecodeString(id) // the original has it as text
			if err != nil {
				return nil, err
			}
			log.ID = raw
			all[id] = log
		}
	}
	return all, nil
}

func keyID(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	id := sha256.Sum256(der)
	return id[:], err
}

// TrustedRoot is what verifies the instance's work, as the file that people
// have.
func (i *Instance) TrustedRoot() ([]byte, error) {
	logs, err := i.logs()
	if err != nil {
		return nil, err
	}
	var stampers []root.TimestampingAuthority
	if i.options.Timestamps {
		stampers = append(stampers, i.stamper)
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, []root.CertificateAuthority{i.authority}, nil, stampers, logs)
	if err != nil {
		return nil, err
	}
	return trusted.MarshalJSON()
}

// SigningConfig says where the instance's servers are, as the file that people
// have.
func (i *Instance) SigningConfig() ([]byte, error) {
	service := func(path string, version int) root.Service {
		return root.Service{
			URL: i.URL + path, MajorAPIVersion: uint32(version), Operator: "test", //nolint:gosec // 1 or 2
			ValidityPeriodStart: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		}
	}
	var logs, stampers []root.Service
	for _, version := range i.options.Logs {
		logs = append(logs, service(fmt.Sprint("/rekor", version), version))
	}
	if i.options.Timestamps {
		stampers = append(stampers, service("/tsa/api/v1/timestamp", 1))
	}
	any := root.ServiceConfiguration{Selector: 2}
	config, err := root.NewSigningConfig(root.SigningConfigMediaType02,
		[]root.Service{service("/fulcio", 1)}, []root.Service{service("", 1)}, logs, any, stampers, any)
	if err != nil {
		return nil, err
	}
	return config.MarshalJSON()
}
