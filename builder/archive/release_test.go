package archive

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const someStanza = "Package: a\nVersion: 1\nArchitecture: amd64\nFilename: pool/a.deb\nSize: 1\n" +
	"SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\n"

func TestIndex(t *testing.T) {
	a := newArchive(t)
	a.publishAll(t, map[string]string{"": someStanza})
	c := a.client(t)
	x, err := c.Index(t.Context(), "trixie", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := x.Lookup("a"); !ok || p.Path != "pool/a.deb" || p.Suite != "trixie" {
		t.Errorf("got %+v %v", p, ok)
	}
	got := x.Archives()
	if len(got) != 4 || got[0].Date != "2026-03-01T11:00:00Z" || got[0].InRelease != sum(a.files["/debian/dists/trixie/InRelease"]) {
		t.Errorf("got %+v", got)
	}
}

func TestIndexWarm(t *testing.T) {
	a := newArchive(t)
	a.publishAll(t, map[string]string{"": someStanza})
	cfg := a.config(t)
	for range 3 {
		if _, err := newClient(t, cfg).Index(t.Context(), "trixie", "amd64"); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.count("by-hash"); got > 4 {
		t.Errorf("indexes were asked for %d times, want once each", got)
	}
	asked := a.count("InRelease")
	if asked != 12 {
		t.Errorf("InRelease files were asked for %d times, want 4 in each run", asked)
	}
	cfg.MaxAge = time.Hour
	if _, err := newClient(t, cfg).Index(t.Context(), "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
	if got := a.count("InRelease"); got != asked {
		t.Errorf("a young InRelease was asked for again")
	}
}

func TestIndexRepairsDamagedFile(t *testing.T) {
	a := newArchive(t)
	a.publishAll(t, map[string]string{"": someStanza})
	cfg := a.config(t)
	for range 2 {
		x, err := newClient(t, cfg).Index(t.Context(), "trixie", "amd64")
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := x.Lookup("a"); !ok {
			t.Fatal("package a is gone")
		}
		files, _ := filepath.Glob(filepath.Join(cfg.IndexDir, "index", "*"))
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(f, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestIndexRefuses(t *testing.T) {
	const inRelease = "/debian/dists/trixie/InRelease"
	tests := []struct {
		name string
		do   func(t *testing.T, a *fakeArchive, cfg *Config)
		want string
	}{
		{"signature of another key", func(t *testing.T, a *fakeArchive, cfg *Config) {
			cfg.Keyring = publicKey(t, testKey(t, 0))
		}, "no good signature by a key of the archive keyring"},
		{"expired key", func(t *testing.T, a *fakeArchive, cfg *Config) {
			a.key = testKey(t, 24*time.Hour)
			a.publishAll(t, nil)
			cfg.Keyring = publicKey(t, a.key)
		}, "no good signature"},
		{"changed text", func(t *testing.T, a *fakeArchive, cfg *Config) {
			a.set(inRelease, []byte(strings.Replace(string(a.files[inRelease]), "Origin: Debian", "Origin: Debjan", 1)))
		}, "no good signature"},
		{"text before the signature", func(t *testing.T, a *fakeArchive, cfg *Config) {
			a.set(inRelease, append([]byte("Origin: Debian\n\n"), a.files[inRelease]...))
		}, "not a cleartext signed message"},
		{"text after the signature", func(t *testing.T, a *fakeArchive, cfg *Config) {
			a.set(inRelease, append(a.files[inRelease], "Suite: x\n"...))
		}, "not exactly one cleartext signed message"},
		{"no signature", func(t *testing.T, a *fakeArchive, cfg *Config) {
			a.set(inRelease, []byte(releaseText("trixie", nil)))
		}, "not a cleartext signed message"},
		{"other suite", func(t *testing.T, a *fakeArchive, cfg *Config) {
			a.set(inRelease, a.files["/debian/dists/trixie-updates/InRelease"])
		}, `for the suite "trixie-updates"`},
		{"other origin", func(t *testing.T, a *fakeArchive, cfg *Config) {
			a.set(inRelease, clearSign(t, a.key, strings.Replace(releaseText("trixie", nil), "Origin: Debian", "Origin: Other", 1)))
		}, `origin is "Other"`},
		{"expired", func(t *testing.T, a *fakeArchive, cfg *Config) {
			cfg.Now = func() time.Time { return testNow.AddDate(0, 0, 8) }
		}, "was valid until 2026-03-08T12:00:00Z"},
		{"no SHA256", func(t *testing.T, a *fakeArchive, cfg *Config) {
			a.set(inRelease, clearSign(t, a.key, strings.Replace(releaseText("trixie", nil), "SHA256:", "MD5Sum:", 1)))
		}, "lists no SHA256"},
		{"changed Packages", func(t *testing.T, a *fakeArchive, cfg *Config) {
			for p, b := range a.files {
				if strings.Contains(p, "binary-amd64/by-hash") {
					b = append([]byte{}, b...)
					b[len(b)/2] ^= 1
					a.files[p] = b
				}
			}
		}, "its sha256 is not what InRelease says"},
		{"no security updates", func(t *testing.T, a *fakeArchive, cfg *Config) {
			delete(a.files, "/debian-security/dists/trixie-security/InRelease")
		}, "reading suite trixie-security"},
		{"no mirror of security updates", func(t *testing.T, a *fakeArchive, cfg *Config) {
			delete(cfg.Mirrors, Security)
		}, "no mirror"},
		{"too large", func(t *testing.T, a *fakeArchive, cfg *Config) {
			a.set(inRelease, make([]byte, maxInRelease+2))
		}, "larger than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newArchive(t)
			a.publishAll(t, map[string]string{"": someStanza})
			cfg := a.config(t)
			tt.do(t, a, &cfg)
			if tt.name != "expired key" && tt.name != "signature of another key" {
				cfg.Keyring = publicKey(t, a.key)
			}
			_, err := newClient(t, cfg).Index(t.Context(), "trixie", "amd64")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestIndexWithoutBackports(t *testing.T) {
	a := newArchive(t)
	a.publishAll(t, map[string]string{"": someStanza})
	delete(a.files, "/debian/dists/trixie-backports/InRelease")
	x, err := a.client(t).Index(t.Context(), "trixie", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(x.Archives()); got != 3 {
		t.Errorf("got %d suites, want 3", got)
	}
}

func TestIndexExpiredIsTyped(t *testing.T) {
	a := newArchive(t)
	a.publishAll(t, nil)
	cfg := a.config(t)
	cfg.Now = func() time.Time { return testNow.AddDate(0, 1, 0) }
	_, err := newClient(t, cfg).Index(t.Context(), "trixie", "amd64")
	var expired *ExpiredError
	if !errors.As(err, &expired) {
		t.Fatalf("got %v, want an ExpiredError", err)
	}
}

func TestIndexSecondMirror(t *testing.T) {
	good, bad := newArchive(t), newArchive(t)
	good.publishAll(t, map[string]string{"": someStanza})
	bad.publishAll(t, map[string]string{"": someStanza}) // signed by another key
	cfg := good.config(t)
	cfg.Mirrors[Debian] = []string{bad.URL + "/debian", good.URL + "/debian"}
	if _, err := newClient(t, cfg).Index(t.Context(), "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
}

func TestReleaseIsNotRolledBack(t *testing.T) {
	a := newArchive(t)
	a.publishAll(t, map[string]string{"": someStanza})
	cfg := a.config(t)
	x, err := newClient(t, cfg).Index(t.Context(), "trixie", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	const inRelease = "/debian/dists/trixie/InRelease"
	older := strings.Replace(releaseText("trixie", map[string][]byte{"x": nil}), "Date: Sun, 01 Mar", "Date: Sat, 28 Feb", 1)
	a.set(inRelease, clearSign(t, a.key, older))
	a.answer = func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("If-Modified-Since"); return false }
	again, err := newClient(t, cfg).Index(t.Context(), "trixie", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(x.Archives(), again.Archives()); d != "" {
		t.Errorf("archives (-first +second):\n%s", d)
	}
}

func TestParseDate(t *testing.T) {
	for in, want := range map[string]string{
		"Sat, 12 Sep 2026 07:55:41 UTC": "2026-09-12T07:55:41Z",
		"Sat, 5 Sep 2026 07:55:41 UTC":  "2026-09-05T07:55:41Z",
		"Sat, 12 Sep 2026 07:55:41 CET": "",
		"yesterday":                     "",
	} {
		d, err := parseDate(in)
		if got := d.Format(time.RFC3339); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("parseDate(%q) = %v, %v, want %q", in, got, err, want)
		}
	}
}
