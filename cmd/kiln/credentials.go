package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/kiln-build/kiln/recipes"
)

// keychain asks the credential helpers that kiln.yaml names, and then those of
// Docker's configuration.
func keychain(registries map[string]recipes.RegistryConfig) authn.Keychain {
	helpers := helperKeychain{}
	for host, r := range registries {
		if r.CredentialHelper != "" {
			helpers[registryHost(host)] = r.CredentialHelper
		}
	}
	if len(helpers) == 0 {
		return nil
	}
	return authn.NewMultiKeychain(helpers, authn.DefaultKeychain)
}

// registryHost is how images of a registry name it.
func registryHost(host string) string {
	if host == "docker.io" {
		return "index.docker.io"
	}
	return host
}

// helperKeychain is the name of a helper for each registry.
type helperKeychain map[string]string

// Resolve implements authn.Keychain. Where a helper has no credentials for the
// registry, others are asked.
func (k helperKeychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	name, ok := k[target.RegistryStr()]
	if !ok {
		return authn.Anonymous, nil
	}
	server := target.RegistryStr()
	if server == "index.docker.io" {
		server = authn.DefaultAuthKey
	}
	cmd := exec.Command("docker-credential-"+name, "get") //nolint:gosec // what kiln.yaml names
	cmd.Stdin = strings.NewReader(server)
	out, err := cmd.Output()
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed) && strings.Contains(string(out), "credentials not found"):
		return authn.Anonymous, nil
	case errors.As(err, &failed):
		return nil, fmt.Errorf("asking docker-credential-%s for %s: %s", name, server, firstLine(string(out)+string(failed.Stderr), err))
	case err != nil:
		return nil, withHint{fmt.Errorf("asking docker-credential-%s for %s: %w", name, server, err),
			"install it, or take credential-helper out of kiln.yaml"}
	}
	var got struct{ Username, Secret string }
	if json.Unmarshal(out, &got) != nil || got.Secret == "" {
		return nil, fmt.Errorf("asking docker-credential-%s for %s: its answer is none", name, server)
	}
	if got.Username == "<token>" {
		return authn.FromConfig(authn.AuthConfig{IdentityToken: got.Secret}), nil
	}
	return authn.FromConfig(authn.AuthConfig{Username: got.Username, Password: got.Secret}), nil
}

func firstLine(text string, otherwise error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if line == "" {
		return otherwise.Error()
	}
	return line
}
