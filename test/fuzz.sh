#!/usr/bin/env bash
# Runs every fuzz target of the module, each for FUZZTIME.
set -euo pipefail
cd "$(dirname "$0")/.."

grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file func; do
	echo "== ${file%/*} ${func#func }"
	go test -run '^$' -fuzz "^${func#func }\$" -fuzztime "${FUZZTIME:-10s}" "${file%/*}" </dev/null
done
