package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/recipes"
)

// configured has every command that uses the network read kiln.yaml first.
func configured(commands []*cli.Command) []*cli.Command {
	for _, cmd := range commands {
		configured(cmd.Subcommands)
		if slices.ContainsFunc(cmd.Flags, isNetworkFlag) {
			cmd.Before = func(c *cli.Context) error {
				config, err := recipes.FindConfig(configFolder(c))
				if err != nil {
					return err
				}
				return useConfig(c, cmd, config)
			}
		}
	}
	return commands
}

func isNetworkFlag(f cli.Flag) bool {
	return slices.ContainsFunc(f.Names(), func(n string) bool { return n == "mirror" || n == "registry-ca" || n == "engine" })
}

// configFolder is the catalog's folder, or the recipe's, and for commands
// without either the working folder.
func configFolder(c *cli.Context) string {
	if dir := c.String("catalog"); dir != "" {
		return dir
	}
	arg := c.Args().First()
	if fi, err := os.Stat(arg); arg != "" && err == nil && fi.IsDir() {
		return arg
	}
	if ext := filepath.Ext(arg); ext == ".yaml" || ext == ".yml" {
		return filepath.Dir(arg)
	}
	return "."
}

// configKey is where a command finds its configuration.
const configKey = "kiln.yaml"

func configOf(c *cli.Context) *recipes.Config {
	if config, ok := c.App.Metadata[configKey].(*recipes.Config); ok {
		return config
	}
	return &recipes.Config{}
}

// useConfig takes up what flags and environment leave open. What other
// programs and the engine understand, too, is set in this process's
// environment, as people set it by hand: so they all follow it.
func useConfig(c *cli.Context, cmd *cli.Command, config *recipes.Config) error {
	if c.App.Metadata == nil {
		c.App.Metadata = map[string]any{}
	}
	c.App.Metadata[configKey] = config
	if err := useFlags(c, cmd, config.Network); err != nil {
		return fmt.Errorf("%s: %w", config.File, err)
	}
	n := config.Network
	for _, v := range []struct{ name, value string }{
		{"HTTP_PROXY", n.Proxy.HTTP}, {"HTTPS_PROXY", n.Proxy.HTTPS}, {"NO_PROXY", strings.Join(n.Proxy.No, ",")},
		{"GOPROXY", n.Go}, {"npm_config_registry", n.Npm}, {"PIP_INDEX_URL", n.Pypi}, {builder.CratesSetting, n.Cargo},
		{builder.MavenSetting, n.Maven},
	} {
		if v.value == "" || os.Getenv(strings.ToLower(v.name)) != "" || os.Getenv(strings.ToUpper(v.name)) != "" {
			continue
		}
		if err := os.Setenv(v.name, v.value); err != nil {
			return fmt.Errorf("%s: %w", config.File, err)
		}
	}
	return useCA(n.CA)
}

// useFlags gives flags that nobody set the values of the configuration.
func useFlags(c *cli.Context, cmd *cli.Command, n recipes.Network) error {
	has := func(name string) bool {
		return slices.ContainsFunc(cmd.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
	}
	if has("mirror") && strings.Join(c.StringSlice("mirror"), "") == "" {
		for _, u := range n.Mirrors.Debian {
			if err := c.Set("mirror", u); err != nil {
				return err
			}
		}
		for _, u := range n.Mirrors.Security {
			if err := c.Set("mirror", "debian-security="+u); err != nil {
				return err
			}
		}
	}
	if n.Keyring != "" && has("keyring") && c.String("keyring") == "" {
		return c.Set("keyring", n.Keyring)
	}
	return nil
}

// useCA has this process, and those that it starts, trust the authorities of
// the file besides those that they trust anyway.
func useCA(file string) error {
	if file == "" {
		return nil
	}
	own, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading authorities: %w", err)
	}
	if !bytes.Contains(own, []byte("-----BEGIN CERTIFICATE-----")) {
		return fmt.Errorf("reading authorities: %s has no certificate in PEM format", file)
	}
	all := append(append(machineCertificates(), '\n'), own...)
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("finding the cache folder: %w", err)
	}
	bundle := filepath.Join(cache, "kiln", "authorities", digestOf(all)+".pem")
	if _, err := os.Stat(bundle); err != nil {
		if err := os.MkdirAll(filepath.Dir(bundle), 0o700); err != nil {
			return fmt.Errorf("writing authorities: %w", err)
		}
		if err := writeWhole(bundle, all); err != nil {
			return fmt.Errorf("writing authorities: %w", err)
		}
	}
	return os.Setenv("SSL_CERT_FILE", bundle)
}

// machineCertificates is this machine's bundle of authorities.
func machineCertificates() []byte {
	for _, file := range []string{
		os.Getenv("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
	} {
		if b, err := os.ReadFile(file); file != "" && err == nil {
			return b
		}
	}
	return nil
}
