package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/pelletier/go-toml/v2"
)

func TestDaemonTOML(t *testing.T) {
	l := &launch{StateDir: "/state", Socket: "/run/s.sock", Runc: "/usr/sbin/runc"}
	cfg := Config{CacheLimit: 5 << 30, Registries: map[string]Registry{
		"registry.test:5000": {Mirrors: []string{"mirror.test/path"}, CA: []string{"/etc/ca.pem"}},
		"plain.test":         {HTTP: true},
	}}
	first, err := daemonTOML(l, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 25 {
		if again, err := daemonTOML(l, cfg); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("daemonTOML is not the same each time: %v\n%s\n%s", err, first, again)
		}
	}
	// BuildKit's own type says whether keys and values are what it reads.
	var got config.Config
	if err := toml.NewDecoder(bytes.NewReader(first)).DisallowUnknownFields().Decode(&got); err != nil {
		t.Fatalf("%v\n%s", err, first)
	}
	if diff := cmp.Diff([]string{"unix:///run/s.sock"}, got.GRPC.Address); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	if len(got.Entitlements) != 0 || !*got.CDI.Disabled || *got.Workers.Containerd.Enabled || got.Workers.OCI.Mode != "host" {
		t.Errorf("config grants too much or the wrong worker:\n%s", first)
	}
	for _, p := range got.Workers.OCI.GCPolicy {
		if p.MaxUsedSpace.Bytes == 0 || p.MaxUsedSpace.Bytes > cfg.CacheLimit {
			t.Errorf("gc policy %+v is not within the limit of %d", p, cfg.CacheLimit)
		}
	}
	r := got.Registries["registry.test:5000"]
	if diff := cmp.Diff([]any{[]string{"mirror.test/path"}, []string{"/etc/ca.pem"}}, []any{r.Mirrors, r.RootCAs}); diff != "" {
		t.Errorf("registry (-want +got):\n%s", diff)
	}
	if !*got.Registries["plain.test"].PlainHTTP {
		t.Error("plain.test is not plain HTTP")
	}
}

func TestDaemonEnvKeepsNoSecrets(t *testing.T) {
	got := daemonEnv([]string{
		"HOME=/h", "COSIGN_PASSWORD=x", "https_proxy=http://p", "GITHUB_TOKEN=y", "NO_PROXY=corp", "LANG=",
	})
	want := []string{"HOME=/h", "https_proxy=http://p", "NO_PROXY=corp"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("daemonEnv (-want +got):\n%s", diff)
	}
}

func TestSocketPath(t *testing.T) {
	short, long := t.TempDir(), filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	fallback := fmt.Sprintf("/tmp/kiln-%d", os.Geteuid())
	for _, tt := range []struct{ name, runtime, want string }{
		{"runtime folder", short, short},
		{"too long", long, fallback},
		{"none", "", fallback},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := socketPath(tt.runtime, "/state")
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Dir(got) != tt.want || len(got) > maxSocketPath {
				t.Errorf("socketPath = %q (%d bytes), want it in %q", got, len(got), tt.want)
			}
		})
	}
	a, _ := socketPath(short, "/a")
	b, _ := socketPath(short, "/b")
	if a == b {
		t.Errorf("two engines have one socket: %s", a)
	}
}

func TestMakePrivateRefusesForeignFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := makePrivate(dir); err != nil {
		t.Errorf("own folder: %v", err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := makePrivate(dir); err == nil {
		t.Error("a folder for everyone was taken")
	}
	link := dir + "-link"
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if err := makePrivate(link); err == nil {
		t.Error("a link was taken")
	}
}

func TestLogIsLimited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine.log")
	l, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a log
	line := bytes.Repeat([]byte("x"), 1<<20-1)
	for range 3 * maxLog >> 20 {
		if _, err := l.Write(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{path, path + ".1"} {
		if fi, err := os.Stat(f); err != nil || fi.Size() > maxLog || fi.Size() == 0 {
			t.Errorf("%s: %v, %v; want at most %d bytes", f, fi, err, maxLog)
		}
	}
	if _, err := l.Write([]byte("a\nb\nc\nd\ne\nf\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := logTail(path, 0), "b\nc\nd\ne\nf"; got != want {
		t.Errorf("logTail = %q, want %q", got, want)
	}
}

func TestStaleProcessIsNotSignalled(t *testing.T) {
	dir := t.TempDir()
	held, err := lock(t.Context(), filepath.Join(dir, "engine.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	// This process has the id, but another start: SIGTERM would end the test.
	r := &running{PID: os.Getpid(), Started: "1"}
	ctx, cancel := context.WithTimeout(t.Context(), 20*lockPause)
	defer cancel()
	if err := r.shutdown(ctx, dir); err == nil {
		t.Error("shutdown returned while the lock is held")
	}
	if got := startTicks(os.Getpid()); got == "" || got == "1" {
		t.Errorf("startTicks of this process = %q", got)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{
		"unix:///run/buildkit/buildkitd.sock", "tcp://user:secret@127.0.0.1:1234?secret#secret",
		"ssh://user:secret@host:22/path", "kube-pod://pod?namespace=secret", "docker-container://", "::", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := parseAddress(s)
		if err != nil {
			if len(s) > 8 && strings.Contains(err.Error(), s) {
				t.Errorf("the error quotes the address: %v", err)
			}
			return
		}
		public := publicAddress(u)
		again, err := parseAddress(public)
		if err != nil {
			t.Fatalf("publicAddress(%q) = %q: %v", s, public, err)
		}
		if again.User != nil || again.RawQuery != "" || again.Fragment != "" {
			t.Errorf("publicAddress(%q) = %q keeps too much", s, public)
		}
	})
}
