package sign

import (
	"errors"
	"strings"
	"testing"
)

func TestPKCS11URI(t *testing.T) {
	for name, want := range map[string]bool{
		"pkcs11:token=kiln;object=release": true, "pkcs11.key": false, "./pkcs11:x": false,
	} {
		if got := IsKMS(name); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
	const pin = "pkcs11:token=kiln;object=release?pin-value=1234"
	if _, err := LoadKMS(t.Context(), pin); !errors.Is(err, ErrPIN) || strings.Contains(err.Error(), "1234") {
		t.Errorf("got %v, want %v without the PIN", err, ErrPIN)
	}
	if _, err := LoadKMS(t.Context(), "pkcs11:token=kiln;object=spin-release?module-path=/none"); err == nil || errors.Is(err, ErrPIN) {
		t.Errorf("a name like a PIN's: got %v, want another error than %v", err, ErrPIN)
	}
}
