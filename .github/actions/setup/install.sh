#!/usr/bin/env bash
# Builds kiln from the sources that this file came with, which are those of the
# commit that the workflow names, and puts it into PATH for the job. Nothing is
# released yet that could be downloaded and verified instead.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

command -v go >/dev/null || {
	echo '::error title=kiln::building kiln: there is no go command on this runner; actions/setup-go installs it' >&2
	exit 1
}
echo '::group::Building kiln'
# go.mod names the version of Go, which the go command gets and verifies,
# whatever an earlier step has set.
GOTOOLCHAIN=auto make -C "$root" build >&2
echo '::endgroup::'
"$root/bin/kiln" version
echo "$root/bin" >>"$GITHUB_PATH"
