package builder

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// CratesSetting is the name of the setting that holds the URL below which
// crates are had, as NAME/VERSION/download: what a registry's config.json calls
// dl (https://doc.rust-lang.org/cargo/reference/registry-index.html,
// "Index Configuration").
const CratesSetting = "KILN_CRATES"

// The crates of Debian's librust-…-dev packages are a directory that cargo
// reads (https://doc.rust-lang.org/cargo/reference/source-replacement.html,
// "Directory sources").
const debianCrates = "/usr/share/cargo/registry"

// cargoFetchScript downloads the crates that Cargo.lock names, compares them
// with the digests there, and lays them out as such a directory. Cargo itself
// would ask the registry's index as well, which is another one each day.
const cargoFetchScript = `test -f Cargo.lock || { echo "there is no Cargo.lock that says which crates to fetch" >&2; exit 1; }
mkdir /tmp/crates
awk -F '"' '
function bad(why) { print "Cargo.lock: " name " " version " " why > "/dev/stderr"; failed = 1 }
function done() {
  if (source ~ /^(registry\+https:\/\/github.com\/rust-lang\/crates.io-index|sparse\+https:\/\/index.crates.io\/)$/) {
    if (name !~ /^[A-Za-z0-9_-]+$/ || version !~ /^[0-9][0-9A-Za-z.+-]*$/ || sum !~ /^[0-9a-f]+$/ || length(sum) != 64)
      bad("has no checksum: cargo update writes a lock of today")
    else print name, version, sum
  } else if (source != "") bad("is from " source ", not from crates.io: vendor the crates, with crates: vendored")
  name = version = source = sum = ""
}
/^\[/ { done() }
/^name = / { name = $2 }
/^version = / { version = $2 }
/^source = / { source = $2 }
/^checksum = / { sum = $2 }
END { done(); exit failed }' Cargo.lock >/tmp/list
test -s /tmp/list || exit 0
while read -r name version sum; do
  printf 'url = "%s/%s/%s/download"\noutput = "%s-%s.crate"\n' "${` + CratesSetting + `:-https://static.crates.io/crates}" "$name" "$version" "$name" "$version"
done </tmp/list >/tmp/urls
cd /tmp/crates
curl --no-progress-meter --fail --fail-early --location --retry 3 --parallel --config /tmp/urls
while read -r name version sum; do printf '%s  %s\n' "$sum" "$name-$version.crate"; done </tmp/list | sha256sum --check --quiet
while read -r name version sum; do
  tar -xzf "$name-$version.crate" -C ` + cratesDir + ` --no-same-owner "$name-$version"
  printf '{"files":{},"package":"%s"}' "$sum" >"` + cratesDir + `/$name-$version/.cargo-checksum.json"
done </tmp/list`

// What comes before cargo in a shell. Debian has one version of each crate, so
// the choice is left to cargo. cargo-auditable asks cargo about the crates
// itself, without what the command line configures, and so finds it in a file.
const (
	cargoUnlockScript = `rm -f Cargo.lock; `
	cargoAuditScript  = `mkdir -p "$CARGO_HOME"
test -e "$CARGO_HOME/config.toml" || printf '[source.crates-io]\nreplace-with = "kiln"\n[source.kiln]\ndirectory = "%s"\n' "$1" >"$CARGO_HOME/config.toml"
shift; `
	cargoScript = `exec cargo "$@"`
)

// auditPackage has cargo write into each program which crates it is made of,
// so that this can be told from the program alone. Not every suite has it.
const auditPackage = "cargo-auditable"

// audits reports whether the build environment has auditPackage.
func (p *Plan) audits() bool {
	return slices.ContainsFunc(p.packages.Build, func(b recipes.Package) bool { return b.Name == auditPackage })
}

func (p *Plan) cargoStep(s recipes.Step) {
	c := s.Cargo
	args := p.cargo(c)
	var mounts []llb.RunOption
	if c.Crates == recipes.CratesLocked {
		mounts = append(mounts, llb.AddMount(cratesDir, p.crates(s), llb.Readonly))
	}
	args = append(args, cargoInstall(c)...)
	env := map[string]string{"CARGO_HOME": "/tmp/cargo"}
	maps.Copy(env, c.Env)
	p.run(s, c.Dir, env, args, strings.TrimSpace("cargo install "+c.Package), mounts...)
}

// cargo is how cargo is called, up to its command.
func (p *Plan) cargo(c *recipes.CargoStep) []string {
	dir := map[string]string{recipes.CratesLocked: cratesDir, recipes.CratesDebian: debianCrates}[c.Crates]
	script, args := cargoScript, []string{"cargo"}
	if p.audits() && dir != "" {
		script, args = cargoAuditScript+script, append(args, dir)
	}
	if c.Crates == recipes.CratesDebian {
		script = cargoUnlockScript + script
	}
	if script != cargoScript {
		args = shell(script, args...)
	}
	if p.audits() {
		args = append(args, "auditable")
	}
	if dir != "" {
		args = append(args, cratesFrom(dir)...)
	}
	return args
}

// cratesFrom has cargo take a directory for crates.io.
func cratesFrom(dir string) []string {
	return []string{"--config", `source.crates-io.replace-with="kiln"`, "--config", `source.kiln.directory="` + dir + `"`}
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

// crates fetches the crates of Cargo.lock.
func (p *Plan) crates(s recipes.Step) llb.State {
	return p.fetch(s, fetch{
		title: "fetch crates", dir: s.Cargo.Dir, out: cratesDir,
		files:   []string{path.Join(s.Cargo.Dir, "Cargo.lock")},
		args:    shell(cargoFetchScript),
		secrets: []string{CratesSetting},
	})
}
