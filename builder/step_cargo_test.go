package builder

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/recipes"
)

// crate is a package as a registry serves it, and its digest.
func crate(t *testing.T, dir string, files map[string]string) (data []byte, sum string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		check(t, w.WriteHeader(&tar.Header{Name: dir + "/" + name, Mode: 0o644, Size: int64(len(text))}))
		_, err := w.Write([]byte(text))
		check(t, err)
	}
	check(t, w.Close())
	check(t, z.Close())
	digest := sha256.Sum256(b.Bytes())
	return b.Bytes(), hex.EncodeToString(digest[:])
}

// TestFetchCrates runs the script against a registry on a loopback address.
func TestFetchCrates(t *testing.T) {
	for _, tool := range []string{"curl", "awk"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	data, sum := crate(t, "tiny-1.2.0+a", map[string]string{"Cargo.toml": "[package]\n"})
	evil, evilSum := crate(t, "tiny-6.6.6", map[string]string{"../../evil": "x"})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served := map[string][]byte{"/dl/tiny/1.2.0+a/download": data, "/dl/tiny/6.6.6/download": evil}[r.URL.Path]
		if served == nil {
			http.NotFound(w, r)
			return
		}
		w.Write(served) //nolint:errcheck // the client's loss
	}))
	defer web.Close()
	const from = `source = "registry+https://github.com/rust-lang/crates.io-index"` + "\n"
	entry := "[[package]]\nname = \"tiny\"\nversion = \"1.2.0+a\"\n"
	own := "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\ndependencies = [\n \"tiny\",\n]\n\n"
	for _, c := range []struct{ name, lock, want string }{
		{"crate", own + entry + from + "checksum = \"" + sum + "\"\n", ""},
		{"no crates", own, ""},
		{"no lock", "", "there is no Cargo.lock"},
		{"other bytes", own + entry + from + "checksum = \"" + digestOf("a") + "\"\n", "tiny-1.2.0+a.crate: FAILED"},
		{"no checksum", own + entry + from, "tiny 1.2.0+a has no checksum"},
		{"path as checksum", own + entry + from + "checksum = \"../../../../etc/passwd\"\n", "has no checksum"},
		{"git", own + entry + "source = \"git+https://example.org/x#1\"\n", "is from git+https://example.org/x#1, not from crates.io"},
		{"path in name", strings.Replace(own+entry, `"tiny"`, `"../tiny"`, 2) + from + "checksum = \"" + sum + "\"\n", "has no checksum"},
		{"path in crate", own + strings.Replace(entry, "1.2.0+a", "6.6.6", 1) + from + "checksum = \"" + evilSum + "\"\n", "contains '..'"},
		{"not there", own + strings.Replace(entry, "1.2.0+a", "9.0.0", 1) + from + "checksum = \"" + sum + "\"\n", "404"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			crates := filepath.Join(dir, "crates")
			check(t, os.MkdirAll(filepath.Join(dir, "src"), 0o755))
			check(t, os.Mkdir(crates, 0o755))
			if c.lock != "" {
				check(t, os.WriteFile(filepath.Join(dir, "src", "Cargo.lock"), []byte(c.lock), 0o644))
			}
			script := strings.NewReplacer(cratesDir+"\"", crates+"\"", cratesDir+"/", crates+"/", cratesDir+" ", crates+" ", "/tmp/", dir+"/tmp-").Replace(cargoFetchScript)
			cmd := exec.Command("/bin/sh", "-euc", script)                                                                             //nolint:gosec // the script under test
			cmd.Dir, cmd.Env = filepath.Join(dir, "src"), []string{"PATH=" + os.Getenv("PATH"), CratesSetting + "=" + web.URL + "/dl"} //nolint:forbidigo // to find curl
			out, err := cmd.CombinedOutput()
			if c.want != "" {
				if err == nil || !strings.Contains(string(out), c.want) {
					t.Fatalf("got %v, want an error with %q\n%s", err, c.want, out)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			checksum, err := os.ReadFile(filepath.Join(crates, "tiny-1.2.0+a", ".cargo-checksum.json"))
			if want := `{"files":{},"package":"` + sum + `"}`; c.name == "crate" && (err != nil || string(checksum) != want) {
				t.Errorf("checksum file is %q, %v; want %q", checksum, err, want)
			}
			if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
				t.Error("a crate wrote outside of its folder")
			}
		})
	}
}

// TestCargoAudits checks that programs get a list of their crates where the
// lock has what writes it.
func TestCargoAudits(t *testing.T) {
	audits := []recipes.Package{{Name: auditPackage}}
	for _, c := range []struct {
		crates string
		build  []recipes.Package
		want   string
	}{
		{recipes.CratesLocked, nil, "cargo --config"},
		{recipes.CratesLocked, audits, "cargo " + cratesDir + " auditable --config"},
		{recipes.CratesVendored, audits, "cargo auditable"},
		{recipes.CratesDebian, audits, "cargo " + debianCrates + " auditable --config"},
	} {
		p := &Plan{packages: recipes.LockedPlatform{Build: c.build}}
		args := p.cargo(&recipes.CargoStep{Crates: c.crates})
		if got := strings.Join(args, " "); !strings.Contains(got, c.want) || strings.Contains(got, "auditable") != (c.build != nil) {
			t.Errorf("%s with %v: %s, want %q", c.crates, c.build, got, c.want)
		}
		if unlocks := strings.Contains(strings.Join(args, " "), "rm -f Cargo.lock"); unlocks != (c.crates == recipes.CratesDebian) {
			t.Errorf("%s: %v", c.crates, args)
		}
	}
}
