package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/sign/virtual"
)

// Who the identity tokens in a folder of the command sigstore are for.
const (
	scriptIssuer   = "https://issuer.example"
	scriptIdentity = "builder@corp.example"
)

// sigstore FOLDER: starts a Sigstore instance and writes what people have of it
// into the folder: root.json, config.json, and identity tokens in me.token and
// mallory.token. SIGSTORE is its address.
func sigstoreServers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sigstore FOLDER")
	}
	i, err := virtual.Start(virtual.Options{Logs: []int{1}, Timestamps: true})
	ts.Check(err)
	ts.Defer(i.Close)
	ts.Setenv("SIGSTORE", i.URL)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	root, err := i.TrustedRoot()
	ts.Check(err)
	config, err := i.SigningConfig()
	ts.Check(err)
	for name, text := range map[string]string{
		"root.json": string(root), "config.json": string(config), "me.token": i.Token(scriptIssuer, scriptIdentity),
		"mallory.token": i.Token(scriptIssuer, "mallory@corp.example"),
	} {
		ts.Check(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
}

// signerOf is the signer whose files are in a folder.
func signerOf(ts *testscript.TestScript, dir string) sign.Signer {
	text, err := os.ReadFile(filepath.Join(dir, "root.json"))
	if err != nil {
		key, _, err := sign.DevelopmentKey(dir)
		ts.Check(err)
		return key
	}
	root, err := sign.LoadRoot(text)
	ts.Check(err)
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	ts.Check(err)
	services, err := sign.LoadServices(config, time.Now())
	ts.Check(err)
	token, err := os.ReadFile(filepath.Join(dir, "me.token"))
	ts.Check(err)
	k, err := sign.NewKeyless(sign.KeylessConfig{
		Identity: sign.Identity{Certificate: &sign.CertificateIdentity{Issuer: scriptIssuer, Subject: scriptIdentity}, Root: root},
		Services: services, Now: time.Now, Token: func(context.Context) (string, error) { return string(token), nil },
	})
	ts.Check(err)
	return k
}

// digestof IMAGE: sets DIGEST to that of an image in a registry.
func digestOfImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: digestof IMAGE")
	}
	ref, err := name.ParseReference(args[0])
	ts.Check(err)
	desc, err := remote.Head(ref)
	ts.Check(err)
	ts.Setenv("DIGEST", desc.Digest.String())
}
