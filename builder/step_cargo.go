package builder

import (
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// CratesSetting is the name of the setting that holds the URL of the registry
// to take for crates.io, as cargo's source.NAME.registry has it.
const CratesSetting = "KILN_CRATES_IO"

// The crates of Debian's librust-…-dev packages are a directory that cargo
// reads (https://doc.rust-lang.org/cargo/reference/source-replacement.html,
// "Directory sources").
const debianCrates = "/usr/share/cargo/registry"

// cargoFetchScript leaves the crates of Cargo.lock as such a directory, and
// cargo's configuration for it, which covers git repositories as well.
const cargoFetchScript = `test -f Cargo.lock || { echo "there is no Cargo.lock that says which crates to fetch" >&2; exit 1; }
set -- vendor --quiet --locked --versioned-dirs ` + cratesDir + `
if [ -n "${` + CratesSetting + `-}" ]; then
  set -- --config 'source.crates-io.replace-with="kiln"' --config "source.kiln.registry=\"$` + CratesSetting + `\"" "$@"
fi
cargo "$@" >/tmp/config
sed '/^\[source\.kiln\]$/,/^$/d' /tmp/config >` + cratesDir + `/config.toml`

// cargoDebianScript leaves the choice of versions to cargo, for Debian has one
// of each crate.
const cargoDebianScript = `rm -f Cargo.lock; exec cargo "$@"`

func (p *Plan) cargoStep(s recipes.Step) {
	c := s.Cargo
	args := []string{"cargo"}
	var mounts []llb.RunOption
	switch c.Crates {
	case recipes.CratesLocked:
		args = append(args, "--config", cratesDir+"/config.toml")
		mounts = append(mounts, llb.AddMount(cratesDir, p.crates(s), llb.Readonly))
	case recipes.CratesDebian:
		args = []string{"/bin/sh", "-euc", cargoDebianScript, "cargo"}
		args = append(args, "--config", `source.crates-io.replace-with="debian"`, "--config", `source.debian.directory="`+debianCrates+`"`)
	}
	args = append(args, cargoInstall(c)...)
	env := map[string]string{"CARGO_HOME": "/tmp/cargo"}
	for k, v := range c.Env {
		env[k] = v
	}
	p.run(s, c.Dir, env, args, strings.TrimSpace("cargo install "+c.Package), mounts...)
}

// cargoInstall is what comes after the configuration.
func cargoInstall(c *recipes.CargoStep) []string {
	args := []string{
		"install", "--offline", "--no-track", "--path", path.Join(".", c.Package),
		"--root", path.Join(outDir, c.Prefix), "--profile", c.Profile,
	}
	if c.Crates != recipes.CratesDebian {
		args = append(args, "--locked")
	}
	if c.DefaultFeatures != nil && !*c.DefaultFeatures {
		args = append(args, "--no-default-features")
	}
	if len(c.Features) > 0 {
		args = append(args, "--features", strings.Join(c.Features, ","))
	}
	for _, bin := range c.Bins {
		args = append(args, "--bin", bin)
	}
	return args
}

// crates fetches the crates of Cargo.lock. Cargo finds the parts of a package
// by its source files, so it has to see these as well.
func (p *Plan) crates(s recipes.Step) llb.State {
	return p.fetch(s, fetch{
		title: "fetch crates", dir: s.Cargo.Dir, out: cratesDir,
		files:   []string{"**/Cargo.toml", "**/Cargo.lock", "**/*.rs"},
		args:    []string{"/bin/sh", "-euc", cargoFetchScript},
		env:     [][2]string{{"CARGO_HOME", "/tmp/cargo"}},
		secrets: []string{CratesSetting},
	})
}
