//go:build pkcs11key

package sign

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// softHSM makes a token with two keys, P-256 and P-384, in software, and returns
// the URIs of objects in it.
func softHSM(t *testing.T) func(object string) string {
	t.Helper()
	const module = "/usr/lib/softhsm/libsofthsm2.so" // Debian's softhsm2
	dir := t.TempDir()
	config := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(config, []byte("directories.tokendir = "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", config)
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil { //nolint:gosec // the test names them
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	run("softhsm2-util", "--init-token", "--free", "--label", "kiln", "--pin", "1234", "--so-pin", "5678")
	for i, curve := range []string{"prime256v1", "secp384r1"} {
		file := filepath.Join(dir, curve+".pem")
		run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:"+curve, "-out", file)
		run("softhsm2-util", "--import", file, "--token", "kiln", "--label", curve, "--id", fmt.Sprintf("0%d", i+1), "--pin", "1234")
	}
	return func(object string) string { return "pkcs11:token=kiln;object=" + object + "?module-path=" + module }
}

func TestSoftHSM(t *testing.T) {
	uri := softHSM(t)
	t.Setenv("COSIGN_PKCS11_PIN", "9999")
	if _, err := LoadKMS(t.Context(), uri("prime256v1")); err == nil || strings.Contains(err.Error(), "9999") {
		t.Errorf("a wrong PIN: got %v, want an error without it", err)
	}
	t.Setenv("COSIGN_PKCS11_PIN", "1234") // a token stays open once it is
	key, err := LoadKMS(t.Context(), uri("prime256v1"))
	if err != nil {
		t.Fatal(err)
	}
	checkSigns(t, key)
	for object, want := range map[string]string{"secp384r1": "want P-256", "other": "opening key pkcs11:"} {
		if _, err := LoadKMS(t.Context(), uri(object)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", object, err, want)
		}
	}
}
