package registry_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"

	"github.com/kiln-build/kiln/test/registry"
)

func TestStart(t *testing.T) {
	for name, opts := range map[string]registry.Options{
		"plain":        {},
		"TLS and auth": {TLS: true, Auth: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := registry.Start(t, opts)
			scheme, want := "http", http.StatusOK
			pool := x509.NewCertPool()
			if opts.TLS {
				scheme, want = "https", http.StatusUnauthorized
				pool.AppendCertsFromPEM(r.CA)
			}
			client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://"+r.Addr+"/v2/", nil)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != want {
					t.Errorf("got %s, want %d", resp.Status, want)
				}
				req.SetBasicAuth(r.User, r.Password)
				want = http.StatusOK
			}
		})
	}
}
