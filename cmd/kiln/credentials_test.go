package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/kiln-build/kiln/recipes"
)

func TestKeychain(t *testing.T) {
	dir := t.TempDir()
	helper := "#!/bin/sh\nread server\ncase $1$server in\n" +
		`getregistry.example:5000) echo '{"ServerURL":"x","Username":"me","Secret":"one"}';;` + "\n" +
		`gethttps://index.docker.io/v1/) echo '{"Username":"<token>","Secret":"two"}';;` + "\n" +
		"getbroken.example) echo the vault is sealed; exit 1;;\n" +
		"*) echo credentials not found in native keychain; exit 1;;\nesac\n"
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-fake"), []byte(helper), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("DOCKER_CONFIG", dir)
	fake := recipes.RegistryConfig{CredentialHelper: "fake"}
	k := keychain(map[string]recipes.RegistryConfig{
		"registry.example:5000": fake, "docker.io": fake, "none.example": fake, "broken.example": fake,
		"gone.example": {CredentialHelper: "not-installed"}, "plain.example": {PlainHTTP: true},
	})
	for host, want := range map[string]authn.AuthConfig{
		"registry.example:5000": {Username: "me", Password: "one"}, "docker.io": {IdentityToken: "two"},
		"none.example": {}, "plain.example": {}, "other.example": {},
	} {
		got, err := resolve(t, k, host)
		if err != nil || cmp.Diff(want, *got) != "" {
			t.Errorf("%s: got %+v, %v, want %+v", host, got, err, want)
		}
	}
	for host, want := range map[string]string{"broken.example": "the vault is sealed", "gone.example": "docker-credential-not-installed"} {
		if _, err := resolve(t, k, host); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", host, err, want)
		}
	}
	if keychain(map[string]recipes.RegistryConfig{"plain.example": {PlainHTTP: true}}) != nil {
		t.Error("a keychain without helpers is not the usual one")
	}
}

func resolve(t *testing.T, k authn.Keychain, host string) (*authn.AuthConfig, error) {
	t.Helper()
	reg, err := name.NewRegistry(host)
	if err != nil {
		t.Fatal(err)
	}
	a, err := k.Resolve(reg)
	if err != nil {
		return nil, err
	}
	return a.Authorization()
}
