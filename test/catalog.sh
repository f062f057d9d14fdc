#!/usr/bin/env bash
# Builds every recipe of the catalog into an OCI layout below .work/catalog,
# and goes on after one that fails.
set -uo pipefail
cd "$(dirname "$0")/.."

passed=0 failed=0
for recipe in recipes/catalog/*/recipe.yaml; do
	name=$(basename "$(dirname "$recipe")")
	if bin/kiln build "$recipe" --oci ".work/catalog/$name"; then
		((++passed))
	else
		((++failed))
	fi
done
echo "$passed passed, $failed failed"
((failed == 0))
