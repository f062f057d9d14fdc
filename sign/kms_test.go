package sign

import (
	"errors"
	"slices"
	"testing"

	"github.com/sigstore/sigstore/pkg/signature/kms"
)

func TestIsKMS(t *testing.T) {
	for name, want := range map[string]bool{
		"awskms:///alias/kiln": true, "azurekms://vault/key": true, "gcpkms://projects/p": true, "hashivault://kiln": true,
		"cosign.key": false, "https://corp.example/key": false, "./awskms": false, "": false,
	} {
		if got := IsKMS(name); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
}

func TestKMSLeftOut(t *testing.T) {
	if slices.Contains(kms.SupportedProviders(), "hashivault://") {
		t.Skip("built with -tags kms")
	}
	if _, err := LoadKMS(t.Context(), "hashivault://kiln"); !errors.Is(err, ErrNoKMS) {
		t.Errorf("got %v, want %v", err, ErrNoKMS)
	}
}
