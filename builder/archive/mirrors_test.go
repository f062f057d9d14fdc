package archive

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func hostRoot(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestHostMirrors(t *testing.T) {
	root := hostRoot(t, map[string]string{
		"etc/apt/sources.list": `# deb http://old.example.org/debian trixie main
deb [signed-by=/x arch=amd64] http://one.example.org/debian/ trixie main contrib # comment
deb-src http://src.example.org/debian trixie main
deb http://one.example.org/debian trixie-updates main
deb http://one.example.org/debian-security trixie-security main
deb cdrom:[Debian]/ trixie main
deb file:/srv/debian trixie main
deb mirror+file:/etc/apt/mirrors/debian.list trixie main
`,
		"etc/apt/sources.list.d/a.list": "deb https://apt.example.com/linux/debian trixie stable\ndeb https://apt.example.com/pgdg trixie-pgdg main\n",
		"etc/apt/sources.list.d/b.sources": `Types: deb deb-src
URIs: https://two.example.org/debian https://three.example.org/pub/debian
Suites: bookworm bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: https://off.example.org/debian
Suites: trixie
Components: main

Types: deb
URIs: https://two.example.org/proxy/security
Suites: bookworm-security
Components: main
`,
		"etc/apt/sources.list.d/c.sources.disabled": "Types: deb\nURIs: https://no.example.org/debian\nSuites: trixie\nComponents: main\n",
	})
	got, err := HostMirrors(root)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		Debian:   {"http://one.example.org/debian", "https://two.example.org/debian", "https://three.example.org/pub/debian"},
		Security: {"http://one.example.org/debian-security", "https://two.example.org/proxy/security"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("mirrors (-want +got):\n%s", d)
	}
	if got, err := HostMirrors(t.TempDir()); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v from a host without apt", got, err)
	}
}

func TestNewRefuses(t *testing.T) {
	a := newArchive(t)
	for name, change := range map[string]func(*Config){
		"no mirrors":   func(c *Config) { c.Mirrors = nil },
		"no cache":     func(c *Config) { c.Cache = nil },
		"no folder":    func(c *Config) { c.IndexDir = "" },
		"no keys":      func(c *Config) { c.Keyring = nil },
		"no keyring":   func(c *Config) { c.Keyring = []byte("x") },
		"file mirror":  func(c *Config) { c.Mirrors = map[string][]string{Debian: {"file:///srv/debian"}} },
		"only updates": func(c *Config) { delete(c.Mirrors, Debian) },
	} {
		cfg := a.config(t)
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s was not refused", name)
		}
	}
}

func TestErrorsHideMirrorPassword(t *testing.T) {
	a := newArchive(t)
	cfg := a.config(t)
	secret := strings.Replace(a.URL, "://", "://user:hunter2@", 1)
	cfg.Mirrors[Debian] = []string{secret + "/debian"}
	c := newClient(t, cfg)
	_, err1 := c.Index(t.Context(), "trixie", "amd64")
	err2 := c.Fetch(t.Context(), []File{{Archive: Debian, Path: "x", Size: 1, SHA256: hashOf("x")}})
	a.Close()
	_, err3 := c.Index(t.Context(), "trixie", "amd64")
	for _, err := range []error{err1, err2, err3} {
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want an error without the password", err)
		}
	}
}

func TestDefaultKeyring(t *testing.T) {
	got, err := DefaultKeyring(t.TempDir())
	if err != nil || !bytes.Equal(got, embeddedKeyring) {
		t.Errorf("got %d bytes, %v, want the embedded keyring", len(got), err)
	}
	root := hostRoot(t, map[string]string{"usr/share/keyrings/debian-archive-keyring.gpg": "host"})
	got, err = DefaultKeyring(root)
	if err != nil || string(got) != "host"+string(embeddedKeyring) {
		t.Errorf("got %d bytes, %v, want the host's keys and the embedded ones", len(got), err)
	}
	keys, err := readKeyring(embeddedKeyring)
	if err != nil {
		t.Fatal(err)
	}
	var trixie int
	for _, k := range keys {
		for name := range k.Identities {
			if strings.Contains(name, "(13/trixie)") {
				trixie++
			}
		}
	}
	if trixie != 3 {
		t.Errorf("embedded keyring has %d keys of trixie, want 3", trixie)
	}
}
