package main

import (
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what kiln says into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kiln": func() { os.Exit(Main()) }})
}

// TestScript runs the scripts of testdata/script: kiln as its own process, in
// folders of its own, with a registry on a loopback address and without
// network. `go test ./cmd/kiln -update` writes expected output anew.
func TestScript(t *testing.T) { testscript.Run(t, scriptParams(t, "testdata/script")) }

// scriptParams are what the scripts of a folder run with.
func scriptParams(t *testing.T, dir string) testscript.Params {
	catalog, err := filepath.Abs("../../recipes/catalog")
	if err != nil {
		t.Fatal(err)
	}
	return testscript.Params{
		Dir: dir, UpdateScripts: *update, RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			r := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
			env.Defer(r.Close)
			env.Setenv("REGISTRY", r.Listener.Addr().String())
			silent, err := net.Listen("tcp", "127.0.0.1:0") // connections are made, and nobody answers
			if err != nil {
				return err
			}
			env.Defer(func() { silent.Close() })
			env.Setenv("SILENT", silent.Addr().String())
			env.Setenv("CATALOG", catalog)
			if err := privateServers(env); err != nil {
				return err
			}
			bucket := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(env.WorkDir, "bucket"))))
			env.Defer(bucket.Close)
			env.Setenv("BUCKET", bucket.URL)
			env.Setenv("SCHEMA", filepath.Join(filepath.Dir(catalog), "schema.json"))
			for _, name := range []string{"HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"} {
				env.Setenv(name, filepath.Join(env.WorkDir, strings.ToLower(name)))
			}
			env.Setenv("KILN_MIRROR", "http://127.0.0.1:1/debian,debian-security=http://127.0.0.1:1/debian-security")
			env.Setenv("KILN_ENGINE", "unix:///nonexistent/engine.sock")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "interrupted": interrupted, "signed": signed, "swapped": swapped, "platformdigest": platformDigest, "platforms": platforms, "golden": golden, "sigstore": sigstoreServers, "digestof": digestOfImage,
			"rebuilt":    rebuilt,
			"advisories": advisories, "debianarchive": debianArchive,
			"foreign": foreign,
		},
	}
}

// privateServers starts what a company's network has: a proxy that notes in
// proxy.log what it is asked for and has none of it, and a registry whose
// certificate nobody else knows, in ca.pem.
func privateServers(env *testscript.Env) error {
	var mu sync.Mutex
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		log, err := os.OpenFile(filepath.Join(env.WorkDir, "proxy.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintln(log, r.Method, r.RequestURI)
			log.Close()
		}
		http.NotFound(w, r)
	}))
	env.Defer(proxy.Close)
	env.Setenv("PROXY", proxy.URL)
	private := httptest.NewUnstartedServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	private.Config.ErrorLog = log.New(io.Discard, "", 0)
	private.StartTLS()
	env.Defer(private.Close)
	env.Setenv("PRIVATE", private.Listener.Addr().String())
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: private.Certificate().Raw})
	return os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), ca, 0o600)
}

// exits CODE COMMAND...: the command ends with the exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// golden FILE: what the last command wrote to stderr is the file's text, with
// $WORK and $REGISTRY in place of what they are.
func golden(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: golden FILE")
	}
	replace := strings.NewReplacer(ts.Getenv("WORK"), "$WORK", ts.Getenv("REGISTRY"), "$REGISTRY")
	got, want := replace.Replace(ts.ReadFile("stderr")), ts.ReadFile(args[0])
	if got != want {
		ts.Fatalf("stderr is\n%swant\n%s", got, want)
	}
}

// interrupted COMMAND...: the command, which connects to the engine that
// KILN_ENGINE is set to, gets SIGINT there. Its exit code must be 130 and its
// output one line.
func interrupted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: interrupted COMMAND [ARGUMENT...]")
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer silent.Close()
	ts.Setenv("KILN_ENGINE", "tcp://"+silent.Addr().String())
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...) //nolint:gosec // what the script says
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "KILN_MIRROR", "KILN_ENGINE", "PATH"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	pipe, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	conn, err := silent.Accept()
	ts.Check(err)
	defer conn.Close()
	ts.Check(cmd.Process.Signal(syscall.SIGINT))
	said, err := io.ReadAll(pipe)
	ts.Check(err)
	cmd.Wait() //nolint:errcheck // its exit code is looked at
	if got := cmd.ProcessState.ExitCode(); got != exitInterrupted || strings.Count(string(said), "\n") != 1 {
		ts.Fatalf("exit code %d, want %d and one line:\n%s", got, exitInterrupted, said)
	}
}
