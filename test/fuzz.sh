#!/usr/bin/env bash
# Runs every fuzz target of the module, each for FUZZTIME.
set -euo pipefail
cd "$(dirname "$0")/.."

grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file func; do
	echo "== ${file%/*} ${func#func }"
	# By default making one input smaller may take longer than all the rest.
	go test -run '^$' -fuzz "^${func#func }\$" -fuzztime "${FUZZTIME:-10s}" -fuzzminimizetime 2s "${file%/*}" </dev/null
done
