package recipes

import "path"

// Rules about a finished image that an [Allow] can excuse.
const (
	// RuleRootUser: the image runs as user or group 0.
	RuleRootUser = "root-user"
	// RuleSetuid: a file has the setuid or setgid bit.
	RuleSetuid = "setuid"
	// RuleFileCapability: a file carries capabilities.
	RuleFileCapability = "file-capability"
	// RuleWorldWritable: anyone may write to a file, or to a folder without
	// the sticky bit.
	RuleWorldWritable = "world-writable"
	// RuleShell: the image holds a shell.
	RuleShell = "shell"
	// RulePackageManager: the image holds a package manager.
	RulePackageManager = "package-manager"
	// RuleDevice: the image holds a device node.
	RuleDevice = "device"
	// RulePrivateKey: a file is a private key.
	RulePrivateKey = "private-key"
	// RuleEnvSecret: an environment variable looks like a secret.
	RuleEnvSecret = "env-secret"
	// RuleUnowned: no package of the SBOM accounts for a file, or for something
	// in it.
	RuleUnowned = "unowned"
	// RuleNoPIE: a program that the build made is always loaded at the same
	// address. Static Go programs are not asked to be otherwise.
	RuleNoPIE = "no-pie"
	// RuleNoRELRO: addresses that the loader fills in stay writable in it.
	RuleNoRELRO = "no-relro"
	// RuleNoNX: its stack, or other writable memory, is executable.
	RuleNoNX = "no-nx"
	// RuleNoStackProtector: C or C++ with buffers on the stack, none guarded.
	RuleNoStackProtector = "no-stack-protector"
	// RuleNoFortify: C or C++ that calls glibc, and nothing of it checked.
	RuleNoFortify = "no-fortify"
)

// Rules that only a policy can state: what they are about changes while the
// image stays as it is.
const (
	// RuleEndOfLife: the recipe's version is no longer supported, by the
	// recipe or by the catalog.
	RuleEndOfLife = "end-of-life"
	// RuleOutdated: the archive has a newer version of a package.
	RuleOutdated = "outdated"
	// RuleOutdatedSecurity: it has one among its security updates.
	RuleOutdatedSecurity = "outdated-security"
)

// Rules are all the rules that a recipe can excuse, in the order of their
// constants.
func Rules() []string {
	return []string{
		RuleRootUser, RuleSetuid, RuleFileCapability, RuleWorldWritable, RuleShell,
		RulePackageManager, RuleDevice, RulePrivateKey, RuleEnvSecret, RuleUnowned,
		RuleNoPIE, RuleNoRELRO, RuleNoNX, RuleNoStackProtector, RuleNoFortify,
	}
}

// Toolchains are the names that build.toolchain knows; "c" is "gcc".
func Toolchains() []string {
	return []string{"go", "gcc", "c", "cmake", "meson", "rust", "node", "python", "java"}
}

// Bases are the bases that kiln assembles itself.
func Bases() []string { return []string{"static", "glibc", "cc", "python", "node", "java"} }

// EcosystemURL is the ecosystem of what belongs to none: a whole URL.
const EcosystemURL = "url"

// Ecosystems are the package ecosystems whose files a lock names without a
// host, and [EcosystemURL].
func Ecosystems() []string { return []string{"go", "npm", "cargo", "pypi", "maven", EcosystemURL} }

// Allowed is the reason for which the recipe lets a finding pass: the first of
// its entries for the rule whose path is this one, a pattern that it matches,
// or empty.
func (r *Recipe) Allowed(rule, file string) (reason string, ok bool) {
	for _, a := range r.Allow {
		matches, err := path.Match(a.Path, file)
		if a.Rule == rule && (a.Path == "" || a.Path == file || err == nil && matches) {
			return a.Reason, true
		}
	}
	return "", false
}
