package main

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/recipes"
)

// Where the packages of an ecosystem are where nothing else is configured.
const (
	publicPypi  = "https://pypi.org"
	publicCargo = "https://static.crates.io/crates"
	publicMaven = "https://repo.maven.apache.org/maven2"
)

// bases says where the package ecosystems besides Go's are that the recipe's
// steps fetch from: what their own tools are told by environment and
// configuration, else the public ones. The tools are asked once, when it is
// first called.
func (e *environment) bases(ctx context.Context, r *recipes.Recipe) func() (map[string][]string, error) {
	return sync.OnceValues(func() (map[string][]string, error) { return e.findBases(ctx, r) })
}

func (e *environment) findBases(ctx context.Context, r *recipes.Recipe) (map[string][]string, error) {
	bases := map[string][]string{
		"pypi":  {publicPypi},
		"cargo": {cmp.Or(os.Getenv(builder.CratesSetting), publicCargo)},
		"maven": {cmp.Or(os.Getenv(builder.MavenSetting), mavenMirror(), publicMaven)},
	}
	if hasStep(r, recipes.KindNpm, recipes.KindFetch) {
		registry, err := npmRegistry(ctx)
		if err != nil {
			return nil, err
		}
		bases["npm"] = []string{registry}
	}
	if hasStep(r, recipes.KindPython, recipes.KindFetch) {
		index, err := pythonIndex(ctx)
		if err != nil {
			return nil, err
		}
		bases["pypi"] = []string{index}
	}
	if hasStep(r, recipes.KindCargo) && os.Getenv(builder.CratesSetting) == "" {
		crates, err := e.crates(ctx)
		if err != nil {
			return nil, err
		}
		bases["cargo"] = []string{crates}
	}
	return bases, nil
}

// npmRegistry is the registry that npm on this machine uses. Npm is asked
// outside of any project, whose own settings have no say; where there is none,
// the npm where kiln was built has one.
func npmRegistry(ctx context.Context) (string, error) {
	if r := cmp.Or(os.Getenv("npm_config_registry"), os.Getenv("NPM_CONFIG_REGISTRY")); r != "" {
		return r, nil
	}
	cmd := exec.CommandContext(ctx, "npm", "config", "get", "registry")
	cmd.Dir = string(filepath.Separator)
	out, err := cmd.Output()
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	if npmregistry == "" {
		return "", withHint{errors.New("finding the npm registry: npm is not installed, and npm_config_registry is not set"),
			"set npm_config_registry to the registry's URL"}
	}
	return npmregistry, nil
}

// pythonIndex is what the index that pip on this machine uses is below of: by
// links from there to its files, indexes often lead out of their own folder.
func pythonIndex(ctx context.Context) (string, error) {
	index := os.Getenv("PIP_INDEX_URL")
	if index == "" {
		cmd := exec.CommandContext(ctx, "pip", "config", "get", "global.index-url")
		cmd.Dir = string(filepath.Separator)
		out, _ := cmd.Output() // it fails where nothing is configured
		index = cmp.Or(strings.TrimSpace(string(out)), publicPypi+"/simple")
	}
	base, ok := strings.CutSuffix(strings.TrimRight(index, "/"), "/simple")
	if !ok {
		return "", withHint{errors.New("reading the index that pip uses: its URL does not end in /simple"),
			"set PIP_INDEX_URL to one that does (PEP 503)"}
	}
	return base, nil
}

// mavenMirror is what Maven on this machine takes for Maven Central
// (https://maven.apache.org/guides/mini/guide-mirror-settings.html), or "".
func mavenMirror() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	data, err := os.ReadFile(filepath.Join(home, ".m2", "settings.xml"))
	if err != nil {
		return ""
	}
	var settings struct {
		Mirrors []struct {
			Of  string `xml:"mirrorOf"`
			URL string `xml:"url"`
		} `xml:"mirrors>mirror"`
	}
	if xml.Unmarshal(data, &settings) != nil {
		return ""
	}
	for _, m := range settings.Mirrors {
		for _, of := range strings.Split(m.Of, ",") {
			if slices.Contains([]string{"*", "central", "external:*"}, strings.TrimSpace(of)) {
				return strings.TrimSpace(m.URL)
			}
		}
	}
	return ""
}

// crates is where the crates of crates.io are to be had.
func (e *environment) crates(ctx context.Context) (string, error) {
	index, err := cratesIndex()
	if err != nil || index == "" {
		return publicCargo, err
	}
	return cratesDownload(ctx, e.http(), index)
}

func hasStep(r *recipes.Recipe, kinds ...string) bool {
	return slices.ContainsFunc(r.Build.Steps, func(s recipes.Step) bool { return slices.Contains(kinds, s.Kind()) })
}
