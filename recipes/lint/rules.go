package lint

import "slices"

// Rule is one thing to look for.
type Rule struct {
	ID    string
	Level Level
	// Text says what the rule finds and why it matters, Fix the way out.
	Text, Fix string
}

// Ids of rules.
const (
	RuleInvalid          = "invalid-recipe"
	RuleMissingLicense   = "missing-license"
	RuleMissingHomepage  = "missing-homepage"
	RuleMissingTests     = "missing-tests"
	RuleMissingLock      = "missing-lock"
	RuleStaleLock        = "stale-lock"
	RuleLongSummary      = "long-summary"
	RuleLatestTag        = "latest-tag"
	RuleUnpinnedSource   = "unpinned-source"
	RulePlainHTTP        = "plain-http"
	RuleRootUser         = "root"
	RuleLowPort          = "low-port"
	RuleEntrypoint       = "entrypoint-not-installed"
	RuleUnusedVar        = "unused-var"
	RuleUnusedToolchain  = "unused-toolchain"
	RuleRedundantPackage = "redundant-package"
	RuleNetwork          = "network-in-step"
	RuleShellSyntax      = "shell-syntax"
	RuleShellBash        = "shell-not-posix"
	RuleUnquoted         = "shell-unquoted-variable"
	RuleIgnoredFailure   = "shell-ignored-failure"
	RuleCdHome           = "shell-cd-home"
	RulePipe             = "shell-pipe-hides-failure"
	RulePipeToShell      = "shell-pipe-to-shell"
	RuleIgnoreReason     = "ignore-without-reason"
	RuleExpiredVEX       = "expired-vex"
	RuleEndOfLife        = "end-of-life"
	RuleEndNear          = "end-of-life-near"
	RuleSameTag          = "tag-taken"
)

// Rules are all rules.
func Rules() []Rule {
	return []Rule{
		{RuleInvalid, Error, "The recipe has a mistake for which no command takes it.", "`kiln explain` shows the fields"},
		{RuleMissingLicense, Error, "The recipe does not say what the service's license is, which SBOM and image need.", "add `license:` with an SPDX expression"},
		{RuleMissingHomepage, Note, "Without the service's homepage, who finds the image cannot tell whose software it is.", "add `homepage:` with the URL of the service's own page"},
		{RuleMissingTests, Warning, "Without tests an image that cannot even start is published.", "add a test, such as one that runs the program with --version"},
		{RuleMissingLock, Note, "Without a lock the build takes what the archive has on that day.", "run `kiln lock` and commit the lock beside the recipe"},
		{RuleStaleLock, Error, "The lock was made for other inputs than the recipe's, and the build refuses it.", "run `kiln lock` and commit the lock"},
		{RuleLongSummary, Note, "Registries and lists show a summary in one line of about eighty characters.", "say it in fewer words"},
		{RuleLatestTag, Warning, "A version or tag called latest says nothing, and is another image tomorrow.", "give the version"},
		{RuleUnpinnedSource, Warning, "The source is named by what moves: the same recipe is other code tomorrow, or its address has other bytes than the recipe's digest.", "name a release: a commit, a tag, or an archive that stays"},
		{RulePlainHTTP, Note, "Without TLS everyone on the way sees what is fetched; the digest alone protects it.", "use https"},
		{RuleRootUser, Note, "The service runs as root, so that a hole in it is one in everything its container reaches.", "run it as a numeric user other than 0, with `image.volumes` for what it writes"},
		{RuleLowPort, Warning, "A user that is not root may bind ports below 1024 only with the capability NET_BIND_SERVICE.", "listen on a port from 1024 on, such as 8080, or declare NET_BIND_SERVICE in `runtime.capabilities`"},
		{RuleEntrypoint, Error, "No step installs the program that the image starts.", "make `output` of a step and `image.entrypoint` the same path"},
		{RuleUnusedVar, Warning, "A variable is defined that nothing substitutes.", "use it as ${vars.NAME}, or take it out"},
		{RuleUnusedToolchain, Warning, "No step uses the toolchain, which only makes the build environment larger.", "take it out"},
		{RuleRedundantPackage, Note, "The toolchain brings the package already.", "take it out"},
		{RuleNetwork, Warning, "Only fetch steps have the network, so that the command fails, and what it fetches would be in no lock.", "add what it fetches to `sources` or `build.packages`, or fetch it in a step `fetch`"},
		{RuleShellSyntax, Error, "The script is not one that /bin/sh can read.", "correct it; `sh -n FILE` checks a script"},
		{RuleShellBash, Warning, "Scripts run in /bin/sh, which knows only what POSIX has.", "write it for sh, or run it by bash as a command"},
		{RuleUnquoted, Warning, "A variable without quotes falls apart at spaces, and its * and ? become file names.", `put double quotes around it: "$NAME"`},
		{RuleIgnoredFailure, Warning, "The script goes on whatever the command did, so that a broken build looks like a good one.", "let it fail, or test for the one case that is expected"},
		{RuleCdHome, Warning, "Without a folder, cd goes to $HOME, which is /tmp in a step.", "name the folder"},
		{RulePipe, Note, "Of a pipe only the last command's failure counts.", "write to a file first, then read it"},
		{RulePipeToShell, Warning, "What is fetched is run unseen.", "make it a source with its digest, and run it from /src"},
		{RuleIgnoreReason, Warning, "A comment suppresses a finding without saying why.", "write # kiln-lint: ignore=RULE and the reason"},
		{RuleExpiredVEX, Error, "A statement about a vulnerability holds no more: nobody has looked since, and scans show the finding again.", "look at it again: give `date` and `expires` anew, and a higher `version`; or take it out"},
		{RuleEndOfLife, Error, "Upstream mends this version no more: its next hole stays open.", "move to a version that is supported, or take the recipe out"},
		{RuleEndNear, Warning, "Upstream will soon mend this version no more.", "plan the move to a version that is supported for longer"},
		{RuleSameTag, Error, "Two recipes of a catalog have the same tag of the same repository, so that one's image takes the other's place.", "give them different names or versions, or the catalog fewer kinds of `tags`"},
	}
}

// Find returns the rule with the id.
func Find(id string) (Rule, bool) {
	all := Rules()
	i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return all[i], true
}
