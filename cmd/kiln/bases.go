package main

import (
	"cmp"
	"os"

	"github.com/kiln-build/kiln/builder"
)

// bases are where the package ecosystems besides Go's are: what their own
// tools are told by the environment, else the public ones.
func (e *environment) bases() map[string][]string {
	return map[string][]string{
		"npm":   {cmp.Or(os.Getenv("npm_config_registry"), os.Getenv("NPM_CONFIG_REGISTRY"), "https://registry.npmjs.org")},
		"pypi":  {cmp.Or(os.Getenv("PIP_INDEX_URL"), "https://pypi.org/simple")},
		"cargo": {cmp.Or(os.Getenv(builder.CratesSetting), "https://static.crates.io/crates")},
		"maven": {"https://repo.maven.apache.org/maven2"},
	}
}
