package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLayoutOf(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"x.oci", "odd@name", "empty"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if dir == "empty" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "index.json"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		arg, folder, digest string
		wrong               bool
	}{
		{arg: "x.oci", folder: "x.oci"},
		{arg: "./x.oci/", folder: "./x.oci/"},
		{arg: "x.oci@sha256:abc", folder: "x.oci", digest: "sha256:abc"},
		{arg: "oci:x.oci@sha256:abc", folder: "x.oci", digest: "sha256:abc"},
		{arg: "odd@name", folder: "odd@name"},
		{arg: "oci:none", folder: "none"}, // reading it tells that it is not there
		{arg: "registry.corp/x@sha256:abc"},
		{arg: "registry.corp/x:1.0"},
		{arg: "empty", wrong: true},
		{arg: "empty@sha256:abc", wrong: true},
		{arg: "./none", wrong: true},
		{arg: "/none", wrong: true},
	} {
		folder, digest, err := layoutOf(c.arg)
		if folder != c.folder || digest != c.digest || (err != nil) != c.wrong {
			t.Errorf("%s: got %q, %q, %v, want %q, %q, an error: %t", c.arg, folder, digest, err, c.folder, c.digest, c.wrong)
		}
	}
}
