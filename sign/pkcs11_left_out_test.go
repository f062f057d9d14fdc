//go:build !pkcs11key

package sign

import (
	"errors"
	"testing"
)

func TestPKCS11LeftOut(t *testing.T) {
	if _, err := LoadKMS(t.Context(), "pkcs11:token=kiln;object=release"); !errors.Is(err, ErrNoPKCS11) {
		t.Errorf("got %v, want %v", err, ErrNoPKCS11)
	}
}
