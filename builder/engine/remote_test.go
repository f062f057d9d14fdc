package engine_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kiln-build/kiln/builder/engine"
)

func TestRemoteUnixAddress(t *testing.T) {
	cfg := newConfig(t)
	connect(t, cfg)
	address := "unix://" + status(t, cfg).Socket
	e := connect(t, engine.Config{Address: address})
	if got := e.Where(); got != address {
		t.Errorf("Where() = %q, want %q", got, address)
	}
	solveFile(t, e, "remote")
}

func TestRemoteMutualTLS(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the second buildkitd of this test needs root")
	}
	dir := t.TempDir()
	ca := newAuthority(t, dir)
	server, clientCert := ca.issue(t, "server"), ca.issue(t, "client")
	address := startTCP(t, newConfig(t).Buildkitd, server)

	e := connect(t, engine.Config{Address: address, TLS: clientCert})
	solveFile(t, e, "over tls")
	if got := e.Where(); got != address {
		t.Errorf("Where() = %q, want %q", got, address)
	}

	stranger := newAuthority(t, t.TempDir()).issue(t, "client")
	refused := map[string]engine.TLS{
		"no client certificate":      {CA: server.CA},
		"foreign client certificate": {CA: server.CA, Cert: stranger.Cert, Key: stranger.Key},
		"foreign authority":          {CA: stranger.CA, Cert: clientCert.Cert, Key: clientCert.Key},
		"other name":                 {CA: server.CA, Cert: clientCert.Cert, Key: clientCert.Key, ServerName: "example.test"},
	}
	for name, files := range refused {
		t.Run(name, func(t *testing.T) {
			if e, err := engine.Connect(t.Context(), engine.Config{Address: address, TLS: files}); err == nil {
				disconnect(t, e)
				t.Error("connected")
			}
		})
	}
}

func TestRemoteErrors(t *testing.T) {
	for _, tt := range []struct {
		name, address, want, hint string
		tls                       engine.TLS
	}{
		{name: "scheme", address: "http://u:secret@host", want: "no scheme that is known", hint: "tcp://"}, //nolint:gosec // a made-up password
		{name: "plain tcp", address: "tcp://buildkit.test:1234", want: "without TLS", hint: "CA"},
		{name: "half a pair", address: "tcp://buildkit.test:1234", tls: engine.TLS{Cert: "c"}, want: "go together", hint: "both"},
		{name: "nobody there", address: "unix:///nonexistent/s.sock", want: "connecting to engine unix:///nonexistent/s.sock"},
		{name: "password", address: "tcp://u:secret@127.0.0.1:1", want: "connecting to engine tcp://127.0.0.1:1: "}, //nolint:gosec // a made-up password
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := engine.Connect(t.Context(), engine.Config{Address: tt.address, TLS: tt.tls})
			if err == nil {
				disconnect(t, e)
				t.Fatal("connected")
			}
			if got := err.Error(); !strings.Contains(got, tt.want) || strings.Contains(got, "secret") {
				t.Errorf("error %q, want one with %q and no secret", got, tt.want)
			}
			if got := hintOf(err); !strings.Contains(got, tt.hint) {
				t.Errorf("hint %q, want one with %q", got, tt.hint)
			}
		})
	}
}

// startTCP starts a buildkitd of its own on loopback and returns its address.
func startTCP(t *testing.T, buildkitd string, files engine.TLS) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "tcp://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(buildkitd, "--addr", address, "--root", t.TempDir(), "--containerd-worker=false", //nolint:gosec // the buildkitd under test
		"--tlscacert", files.CA, "--tlscert", files.Cert, "--tlskey", files.Key)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		cmd.Wait() //nolint:errcheck // buildkitd calls SIGTERM an error
	})
	eventually(t, "start of buildkitd", func() bool {
		c, err := net.DialTimeout("tcp", strings.TrimPrefix(address, "tcp://"), time.Second)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	return address
}

type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{dir: dir, key: newKey(t)}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.write(t, "ca", a.cert, &a.key.PublicKey)
	return a
}

// issue returns the files of a certificate for 127.0.0.1.
func (a *authority) issue(t *testing.T, name string) engine.TLS {
	t.Helper()
	key := newKey(t)
	cert := a.write(t, name, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, &key.PublicKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(a.dir, name+".key")
	writePEM(t, file, "PRIVATE KEY", der)
	return engine.TLS{CA: filepath.Join(a.dir, "ca.pem"), Cert: cert, Key: file}
}

func (a *authority) write(t *testing.T, name string, cert *x509.Certificate, public any) string {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(a.dir, name+".pem")
	writePEM(t, file, "CERTIFICATE", der)
	return file
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func ExampleConnect() {
	// kiln's commands fill in the folders; a remote engine needs none of them.
	_, err := engine.Connect(context.Background(), engine.Config{Address: "tcp://buildkit.test:1234"})
	fmt.Println(err)
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		fmt.Println("hint:", hinted.Hint())
	}
	// Output:
	// connecting to engine tcp://buildkit.test:1234: tcp without TLS is for the loopback interface only
	// hint: name the files of the CA, the client's certificate and its key
}
