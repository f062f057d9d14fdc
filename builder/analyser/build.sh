#!/bin/bash
# Builds govulncheck into the folder $1 for engines of both architectures, and
# packs its source with all that it is made of, for engines whose Go is newer.
set -euo pipefail
out=$(realpath "$1")
cd "$(dirname "$0")"
for arch in amd64 arm64; do
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath -buildvcs=false -ldflags "-s -w" \
		-o "$out/kiln-govulncheck-$arch" golang.org/x/vuln/cmd/govulncheck
done
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cp go.mod go.sum "$tree"
go mod vendor -o "$tree/vendor"
tar -C "$tree" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r,go-w -czf "$out/kiln-govulncheck.tar.gz" go.mod go.sum vendor
