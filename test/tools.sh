#!/usr/bin/env bash
# Builds the named tools into bin/, each only when it is not there in the
# version below. Those without a version here have theirs in go.mod.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A modules=(
	[act]=github.com/nektos/act@v0.2.89
	[actionlint]=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
	[buildctl]=github.com/moby/buildkit/cmd/buildctl
	[cosign]=github.com/sigstore/cosign/v2/cmd/cosign@v2.6.5
	[fulcio]=github.com/sigstore/fulcio@v1.8.4
	[golangci-lint]=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	[posix]=github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix@v2.3.0
	[registry]=github.com/distribution/distribution/v3/cmd/registry
	[syft]=github.com/anchore/syft/cmd/syft@v1.50.0
	[timestamp-server]=github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server@v2.1.2
)

# has TOOL VERSION: bin/TOOL is there and was built from this version.
has() {
	go version -m "bin/$1" 2>/dev/null | awk -v v="$2" '$1 == "mod" && $3 == v {found = 1} END {exit !found}'
}

# debian PACKAGE: bin/PACKAGE is the program of Debian's package, which is not
# installed, since that would start a service.
debian() {
	[[ -e bin/$1 ]] && return
	local dir
	dir=$(mktemp -d)
	(cd "$dir" && apt-get download -q "$1" >&2 && dpkg-deb -x ./*.deb .)
	install -D "$dir/usr/bin/$1" "bin/$1"
	rm -rf "$dir"
}

for tool in "$@"; do
	if [[ $tool == docker-registry ]]; then
		debian "$tool"
		continue
	fi
	if [[ $tool == pull ]]; then # a module of its own
		CGO_ENABLED=0 go build -C test/pull -trimpath -buildvcs=false -tags containers_image_openpgp -o "$PWD/bin/" .
		continue
	fi
	package=${modules[$tool]}
	version=${package#*@}
	if [[ $package != *@* ]]; then
		go build -trimpath -o bin/ "$package"
	elif ! has "$tool" "$version"; then
		echo "building $tool $version" >&2
		GOBIN=$PWD/bin go install -trimpath "$package"
	fi
done
