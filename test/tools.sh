#!/usr/bin/env bash
# Builds the named tools into bin/, each only when it is not there in the
# version below. Those without a version here have theirs in go.mod.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A modules=(
	[buildctl]=github.com/moby/buildkit/cmd/buildctl
	[cosign]=github.com/sigstore/cosign/v2/cmd/cosign@v2.6.5
	[golangci-lint]=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	[registry]=github.com/distribution/distribution/v3/cmd/registry
	[syft]=github.com/anchore/syft/cmd/syft@v1.50.0
)

# has TOOL VERSION: bin/TOOL is there and was built from this version.
has() {
	go version -m "bin/$1" 2>/dev/null | awk -v v="$2" '$1 == "mod" && $3 == v {found = 1} END {exit !found}'
}

for tool in "$@"; do
	package=${modules[$tool]}
	version=${package#*@}
	if [[ $package != *@* ]]; then
		go build -trimpath -o bin/ "$package"
	elif ! has "$tool" "$version"; then
		echo "building $tool $version" >&2
		GOBIN=$PWD/bin go install -trimpath "$package"
	fi
done
