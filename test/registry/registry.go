// Package registry runs the CNCF distribution registry for tests, at the
// version that go.mod names as a tool: a process of its own on a loopback
// port, with TLS by a CA made for it and a password, where those are asked
// for. It ends with the test.
//
// It is no stand-in for a registry in production. Start at [Start].
package registry

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Options say what the registry demands of its clients.
type Options struct {
	// TLS serves HTTPS with a certificate by a CA of its own.
	TLS bool
	// Auth demands name and password (htpasswd).
	Auth bool
	// Program is another build of the registry than that of go.mod, such as
	// Debian's.
	Program string
}

// Registry is one that runs.
type Registry struct {
	// Addr is host:port on 127.0.0.1.
	Addr string
	// CA is the CA's certificate as PEM, CAFile a file with it. Empty
	// without TLS.
	CA     []byte
	CAFile string
	// User and Password are empty without Auth.
	User, Password string
	// DockerConfig is a folder with a config.json that holds User and
	// Password, for DOCKER_CONFIG.
	DockerConfig string
	// Root is the folder that holds the registry's files.
	Root string
	// AccessLog is a file with a line for each request so far, in the
	// combined format of Apache.
	AccessLog string

	program, config string
	process         *exec.Cmd
}

// Kill ends the registry as a power cut would.
func (r *Registry) Kill() {
	r.process.Process.Kill() //nolint:errcheck // it may have ended by itself
	r.process.Wait()         //nolint:errcheck // it was killed
}

// Restart starts the registry again after Kill, at the same address with the
// same files.
func (r *Registry) Restart(t testing.TB) {
	t.Helper()
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("addr: 127.0.0.1:0"), []byte("addr: "+r.Addr), 1)
	if err := os.WriteFile(r.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r.run(t)
}

// Start starts a registry and stops it when the test ends. A test that
// cannot have one fails.
func Start(t testing.TB, opts Options) *Registry {
	t.Helper()
	dir := t.TempDir()
	r := &Registry{Root: filepath.Join(dir, "data")}
	config := "version: 0.1\nlog: {level: info}\nstorage:\n  delete: {enabled: true}\n  filesystem: {rootdirectory: " + r.Root + "}\n" +
		"http:\n  addr: 127.0.0.1:0\n"
	if opts.TLS {
		config += r.tls(t, dir)
	}
	if opts.Auth {
		config += r.auth(t, dir)
	}
	r.config = write(t, dir, "config.yml", []byte(config))
	r.AccessLog = filepath.Join(dir, "access.log")
	r.DockerConfig = filepath.Join(dir, "docker")
	if err := os.Mkdir(r.DockerConfig, 0o700); err != nil {
		t.Fatal(err)
	}
	if r.program = opts.Program; r.program == "" {
		r.program = binary(t)
	}
	r.run(t)
	r.dockerConfig(t)
	return r
}

func (r *Registry) tls(t testing.TB, dir string) string {
	t.Helper()
	ca, cert, key, err := certificates(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.CA, r.CAFile = ca, write(t, dir, "ca.pem", ca)
	return fmt.Sprintf("  tls: {certificate: %s, key: %s}\n",
		write(t, dir, "cert.pem", cert), write(t, dir, "key.pem", key))
}

func (r *Registry) auth(t testing.TB, dir string) string {
	t.Helper()
	r.User, r.Password = "tester", "correct horse"
	hash, err := bcrypt.GenerateFromPassword([]byte(r.Password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("auth:\n  htpasswd: {realm: test, path: %s}\n",
		write(t, dir, "htpasswd", append([]byte(r.User+":"), append(hash, '\n')...)))
}

// run starts the process and learns its port from what it logs.
func (r *Registry) run(t testing.TB) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), r.program, "serve", r.config) //nolint:gosec // the test names it
	cmd.Env = append(cmd.Environ(), "OTEL_TRACES_EXPORTER=none")
	r.process = cmd
	log, err := os.OpenFile(r.AccessLog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout = log
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting registry: %v", err)
	}
	t.Cleanup(r.Kill)
	addr, said := listening(stderr)
	if addr == "" {
		t.Fatalf("registry does not start:\n%s", said)
	}
	r.Addr = addr
	go io.Copy(io.Discard, stderr) //nolint:errcheck // until it ends
}

var address = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

func listening(log io.Reader) (addr, said string) {
	var seen strings.Builder
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			return m[1], ""
		}
		fmt.Fprintln(&seen, lines.Text())
	}
	return "", seen.String()
}

// binary has the Go command build the registry, which it keeps in its cache.
func binary(t testing.TB) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "tool", "-n", "registry").Output()
	if err != nil {
		t.Fatalf("building registry: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func (r *Registry) dockerConfig(t testing.TB) {
	t.Helper()
	config := "{}"
	if r.User != "" {
		auth := base64.StdEncoding.EncodeToString([]byte(r.User + ":" + r.Password))
		config = fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, r.Addr, auth)
	}
	write(t, r.DockerConfig, "config.json", []byte(config))
}

func write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
