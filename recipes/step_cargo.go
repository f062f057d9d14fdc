package recipes

// CargoStep compiles the programs of one package with cargo install, without
// network, into /usr/bin. Needs the toolchain rust.
//
// Where the crates come from, Crates says. Those that Cargo.lock names are
// fetched from crates.io, or what cargo on this machine has in its place, and
// compared with the digests there.
//
//	steps:
//	  - cargo: {package: server, bins: [serverd], features: [tls]}
type CargoStep struct {
	// Dir is the folder of Cargo.lock, below the source tree: that of the
	// workspace where there is one.
	Dir string `yaml:"dir"`
	// Package is the folder of the package, below Dir. Empty is Dir itself.
	Package string `yaml:"package"`
	// Bins are the programs to compile and install; empty is all.
	Bins []string `yaml:"bins"`
	// Features are those to turn on.
	Features []string `yaml:"features"`
	// DefaultFeatures leaves the package's default features on. Nil is true.
	DefaultFeatures *bool `yaml:"default-features"`
	// Profile is the profile of Cargo.toml to compile with. Empty is release.
	Profile string `yaml:"profile"`
	// Prefix is the folder in the image below whose bin the programs go.
	// Empty is /usr.
	Prefix string `yaml:"prefix"`
	// Crates says where dependencies come from: locked, which is the default,
	// are fetched as Cargo.lock has them; vendored are in the source tree,
	// where its .cargo/config.toml says so; debian are those of the librust-…-dev
	// packages in build.packages, in whatever version the suite has, with
	// Cargo.lock set aside.
	Crates string `yaml:"crates"`
	// Env are further environment variables.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}

// Where a cargo step's crates come from.
const (
	CratesLocked   = "locked"
	CratesVendored = "vendored"
	CratesDebian   = "debian"
)

func checkCargoStep(c *checker, at string, s *CargoStep) {
	checkDir(c, at+".dir", s.Dir)
	checkDir(c, at+".package", s.Package)
	checkPath(c, at+".prefix", s.Prefix)
	checkWords(c, at+".bins", s.Bins)
	checkWords(c, at+".features", s.Features)
	if s.Profile != "" {
		checkWord(c, at+".profile", s.Profile)
	}
	origins := []string{CratesLocked, CratesVendored, CratesDebian}
	checkOneOf(c, at+".crates", "origin", s.Crates, origins)
	checkBuildEnv(c, at+".env", s.Env)
}
