#!/usr/bin/env bash
# Builds every recipe of the catalog, or those that are named, pushes it to a
# registry of its own, and builds it again from what is attached to it there,
# with an engine and caches that are empty. Goes on after one that fails.
set -uo pipefail
cd "$(dirname "$0")/.."

work=.work/reproduce
rm -rf "$work" && mkdir -p "$work/registry"
cat >"$work/registry.yml" <<END
version: 0.1
storage: {filesystem: {rootdirectory: $PWD/$work/registry}}
http: {addr: 127.0.0.1:0}
END
port=$((20000 + RANDOM % 20000))
sed -i "s/:0}/:$port}/" "$work/registry.yml"
OTEL_TRACES_EXPORTER=none bin/registry serve "$work/registry.yml" >"$work/server.out" 2>&1 &
registry=$!
trap 'kill "$registry"; rm -rf "$work/registry"' EXIT
for _ in {1..50}; do
	(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
	sleep 0.1
done

(($#)) || set -- recipes/catalog/*/
passed=0 failed=0
for dir in "$@"; do
	name=$(basename "$dir")
	key=${XDG_STATE_HOME:-$HOME/.local/state}/kiln/keys/kiln-dev.pub
	if image=$(bin/kiln build "$dir" --push "127.0.0.1:$port/$name" --progress plain 2>"$work/$name.log") &&
		bin/kiln reproduce "$image" --key "$key" --check --progress plain 2>>"$work/$name.log"; then
		((++passed))
	else
		echo "$name:" && tail -n 45 "$work/$name.log"
		((++failed))
	fi
done
echo "$passed reproduced, $failed not"
((failed == 0))
