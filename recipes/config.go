package recipes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
)

// ConfigFile is the name of the file that [FindConfig] looks for.
const ConfigFile = "kiln.yaml"

// Config is what recipes in a folder, and in those below it, have in common.
// But for the defaults of a catalog nothing of it is part of a recipe: it
// reaches neither locks nor images.
type Config struct {
	// File is the path it was read from; empty where there is none.
	File string `yaml:"-"`
	// Kiln is the version of the format: v1.
	Kiln string `yaml:"kiln" kiln:"required"`
	// Network says how the network is reached from here.
	Network Network `yaml:"network"`
	// Catalog says that the folder is a catalog; nil where it is none.
	Catalog *CatalogConfig `yaml:"catalog"`
	// Policy says which images may be used; nil where nothing is said.
	Policy *Policy `yaml:"policy"`
}

// Network is how archives, modules, packages and images are had. It names no
// credentials.
type Network struct {
	// Mirrors are those of the Debian archives, by the archive's name.
	Mirrors ArchiveMirrors `yaml:"mirrors"`
	// Keyring is a file of OpenPGP keys that may sign the archive in place of
	// Debian's.
	Keyring string `yaml:"keyring"`
	// Go is a list of module proxies, as GOPROXY.
	Go string `yaml:"go"`
	// Npm is the URL of a registry for npm packages.
	Npm string `yaml:"npm"`
	// Pypi is the URL of a simple index of Python packages.
	Pypi string `yaml:"pypi"`
	// Cargo is the URL below which the crates of crates.io are.
	Cargo string `yaml:"cargo"`
	// Maven is the URL of a repository that stands for Maven Central, and for
	// all others that projects name.
	Maven string `yaml:"maven"`
	Proxy Proxy  `yaml:"proxy"`
	// CA is a file of authorities, in PEM, that are trusted besides the
	// machine's.
	CA string `yaml:"ca"`
	// Registries are settings of container registries, by host[:port].
	Registries map[string]RegistryConfig `yaml:"registries"`
}

// ArchiveMirrors are URLs of mirrors; empty are those of the machine.
type ArchiveMirrors struct {
	// Debian is the archive itself.
	Debian []string `yaml:"debian" kiln:"single"`
	// Security has its security updates.
	Security []string `yaml:"debian-security" kiln:"single"`
}

// Proxy is an HTTP proxy.
type Proxy struct {
	// HTTP and HTTPS are URLs of the proxies for requests of these schemes.
	HTTP  string `yaml:"http"`
	HTTPS string `yaml:"https"`
	// No lists hosts, domains and networks that are reached without one.
	No []string `yaml:"no" kiln:"single"`
}

// RegistryConfig says how to reach one container registry.
type RegistryConfig struct {
	// Mirrors are asked for its images first, in order, each as
	// host[:port][/path].
	Mirrors []string `yaml:"mirrors" kiln:"single"`
	// PlainHTTP is for a registry without TLS.
	PlainHTTP bool `yaml:"plain-http"`
	// CredentialHelper is the NAME of a program docker-credential-NAME that
	// is asked for its credentials.
	CredentialHelper string `yaml:"credential-helper"`
}

// Defaults are what recipes have that do not say otherwise.
func (c *Config) Defaults() Defaults {
	if c.Catalog == nil {
		return Defaults{}
	}
	return c.Catalog.Defaults
}

// FindConfig reads the configuration of the folder dir: kiln.yaml in it, or in
// the nearest folder above that has one. Where there is none, the zero Config
// is returned.
func FindConfig(dir string) (*Config, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", ConfigFile, err)
	}
	for at, given := abs, dir; ; at, given = filepath.Dir(at), filepath.Join(given, "..") {
		raw, err := readFile(filepath.Join(at, ConfigFile))
		switch {
		case err == nil:
			return ParseConfig(filepath.Join(given, ConfigFile), raw)
		case !errors.Is(err, fs.ErrNotExist) && !isFolder(filepath.Join(at, ConfigFile)):
			return nil, fmt.Errorf("reading configuration: %w", err)
		case at == filepath.Dir(at):
			return &Config{}, nil
		}
	}
}

func isFolder(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

// ParseConfig reads and checks a configuration. Paths in it are relative to
// the folder of file, and made so. Mistakes are an [*Errors] with all of them.
func ParseConfig(file string, raw []byte) (*Config, error) {
	d := newDecoder(file)
	root := parseYAML(&d.problems, raw)
	if root == nil {
		return nil, d.err()
	}
	c := &Config{File: file}
	d.value(root, reflect.ValueOf(c).Elem(), "", nil)
	checkConfig(&checker{decoder: d}, c)
	if err := d.err(); err != nil {
		return nil, err
	}
	for _, p := range []*string{&c.Network.Keyring, &c.Network.CA} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(file), *p)
		}
	}
	if c.Catalog != nil {
		c.Catalog.locate(filepath.Dir(file))
	}
	if c.Policy != nil {
		c.Policy.locate(filepath.Dir(file))
	}
	return c, nil
}
