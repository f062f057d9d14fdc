package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// cargoConfig is as much of cargo's configuration as says what is taken for
// crates.io (https://doc.rust-lang.org/cargo/reference/source-replacement.html).
type cargoConfig struct {
	Source map[string]struct {
		ReplaceWith string `toml:"replace-with"`
		Registry    string `toml:"registry"`
	} `toml:"source"`
}

// cratesIndex is the URL of the sparse index that cargo on this machine takes
// for crates.io, or "" for crates.io itself.
func cratesIndex() (string, error) {
	home := os.Getenv("CARGO_HOME")
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return "", nil //nolint:nilerr // then nothing is configured
		}
		home = filepath.Join(user, ".cargo")
	}
	file := filepath.Join(home, "config.toml")
	data, err := os.ReadFile(file)
	if err != nil {
		return "", nil //nolint:nilerr // most have none
	}
	var c cargoConfig
	if err := toml.Unmarshal(data, &c); err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	name := "crates-io"
	for range len(c.Source) {
		next := c.Source[name].ReplaceWith
		if next == "" {
			break
		}
		name = next
	}
	index, sparse := strings.CutPrefix(c.Source[name].Registry, "sparse+")
	if !sparse {
		return "", nil
	}
	return strings.TrimSuffix(index, "/"), nil
}

// cratesDownload asks an index where the crates are: below which URL, as
// NAME/VERSION/download.
func cratesDownload(ctx context.Context, client *http.Client, index string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, index+"/config.json", nil)
	if err != nil {
		return "", fmt.Errorf("reading the index of crates: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("reading the index of crates: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("reading the index of crates: %s: %s", req.URL.Redacted(), resp.Status)
	}
	var config struct {
		DL string `json:"dl"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&config); err != nil {
		return "", fmt.Errorf("reading the index of crates: %s: %w", req.URL.Redacted(), err)
	}
	dl := strings.TrimSuffix(config.DL, "/{crate}/{version}/download")
	if dl == "" || strings.ContainsAny(dl, "{}") {
		return "", fmt.Errorf("reading the index of crates: %s has crates at %q, where kiln does not find them", req.URL.Redacted(), config.DL)
	}
	return strings.TrimSuffix(dl, "/"), nil
}
