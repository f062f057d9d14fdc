package recipes

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const wholeConfig = `kiln: v1
catalog:
  recipes: services
  repository: registry.example:5000/platform/${name}
  tags: [version, minor, major, date, digest, latest]
  defaults: {suite: trixie, platforms: linux/amd64}
  sign: {key: keys/cosign.key, public-key: keys/cosign.pub}
  owners: "@corp/platform"
  eol: {warn: 60d, grace: 30d}
network:
  mirrors:
    debian: [https://a.example/debian, http://b.example/debian]
    debian-security: https://a.example/debian-security
  keyring: keys/archive.gpg
  go: https://a.example/go|https://b.example/go,direct
  npm: https://a.example/npm
  pypi: https://a.example/simple
  cargo: https://a.example/crates
  maven: https://a.example/maven2
  proxy: {http: "http://proxy.example:3128", https: "http://proxy.example:3128", no: [.example, 10.0.0.0/8, localhost]}
  ca: /etc/corp.pem
  registries:
    docker.io: {mirrors: [mirror.example/docker]}
    registry.example:5000: {plain-http: true, credential-helper: ecr-login}
`

func TestFindConfig(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	if c, err := FindConfig(deep); err != nil || cmp.Diff(&Config{}, c) != "" {
		t.Fatalf("without a file: %+v, %v", c, err)
	}
	if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(wholeConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := FindConfig(deep)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{File: filepath.Join(dir, ConfigFile), Kiln: "v1", Catalog: &CatalogConfig{
		Recipes: "services", Repository: "registry.example:5000/platform/${name}", Tags: CatalogTags(), Owners: []string{"@corp/platform"},
		Defaults: Defaults{Suite: "trixie", Platforms: []string{"linux/amd64"}}, EOL: CatalogEOL{Warn: "60d", Grace: "30d"},
		Sign: CatalogSign{Key: filepath.Join(dir, "keys/cosign.key"), PublicKey: filepath.Join(dir, "keys/cosign.pub")},
	}, Network: Network{
		Mirrors: ArchiveMirrors{Debian: []string{"https://a.example/debian", "http://b.example/debian"}, Security: []string{"https://a.example/debian-security"}},
		Keyring: filepath.Join(dir, "keys/archive.gpg"), Go: "https://a.example/go|https://b.example/go,direct",
		Npm: "https://a.example/npm", Pypi: "https://a.example/simple", Cargo: "https://a.example/crates", Maven: "https://a.example/maven2", CA: "/etc/corp.pem",
		Proxy: Proxy{HTTP: "http://proxy.example:3128", HTTPS: "http://proxy.example:3128", No: []string{".example", "10.0.0.0/8", "localhost"}},
		Registries: map[string]RegistryConfig{
			"docker.io":             {Mirrors: []string{"mirror.example/docker"}},
			"registry.example:5000": {PlainHTTP: true, CredentialHelper: "ecr-login"},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The nearest wins, and one below does not count.
	if err := os.WriteFile(filepath.Join(dir, "a", ConfigFile), []byte("kiln: v1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{deep: filepath.Join(dir, "a", ConfigFile), dir: filepath.Join(dir, ConfigFile)} {
		if c, err := FindConfig(from); err != nil || c.File != want {
			t.Errorf("from %s: got %+v, %v, want %s", from, c, err, want)
		}
	}
	t.Chdir(deep)
	if c, err := FindConfig("."); err != nil || c.File != filepath.Join("..", ConfigFile) {
		t.Errorf("got %+v, %v, want the path as from here", c, err)
	}
}

func TestConfigWrong(t *testing.T) {
	for name, raw := range inputs(t, "testdata/config/*.yaml") {
		t.Run(name, func(t *testing.T) {
			c, err := ParseConfig("kiln.yaml", raw)
			var all *Errors
			if !errors.As(err, &all) || c != nil {
				t.Fatalf("got %v, %v, want *Errors", c, err)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the password is in the error: %v", err)
			}
			golden(t, "testdata/config/"+name+".err", err.Error()+"\n")
		})
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(wholeConfig))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := ParseConfig("kiln.yaml", raw); err != nil {
			checkErrors(t, err)
		}
	})
}
