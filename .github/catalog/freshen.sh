#!/usr/bin/env bash
# Looks for what is new in the archive (relock) or upstream (update), and writes
# what to propose:
#
#	freshen.sh relock|update CATALOG IDENTITY FOLDER
#
# FOLDER gets ID.patch, ID.title and ID.body for each proposal: one for all
# locks, one for each recipe with a newer version. IDENTITY signed what is
# published. A recipe that fails keeps none of the others from being proposed;
# the exit code says so.
set -euo pipefail
what=$1 catalog=$2 identity=$3 folder=$4
mkdir -p "$folder"
report=$(mktemp)
trap 'rm -f "$report"' EXIT

code=0
case $what in
relock)
	kiln relock "$catalog" --write --output json --certificate-identity "$identity" \
		--certificate-oidc-issuer https://token.actions.githubusercontent.com --public-sigstore >"$report" || code=$?
	;;
update) kiln update "$catalog" --output json >"$report" || code=$? ;;
*) echo "freshen: want relock or update, got $what" >&2 && exit 2 ;;
esac
[[ -s $report ]] || exit "$code"

# propose ID TITLE FILE...: what has changed in the files; the text is stdin.
propose() {
	local id=$1 title=$2
	shift 2
	git add --intent-to-add -- "$@"
	git diff --binary -- "$@" >"$folder/$id.patch"
	cat >"$folder/$id.body"
	[[ -s $folder/$id.patch ]] || { rm "$folder/$id".*; return; }
	echo "$title" >"$folder/$id.title"
}

if [[ $what == relock ]]; then
	mapfile -t files < <(jq -r '.[] | .written // empty' "$report")
	((${#files[@]} == 0)) || jq -r '.[] | select(.written) | .body' "$report" | propose relock 'catalog: locks have what the archive has now' "${files[@]}"
else
	while IFS= read -r name; do
		mapfile -t files < <(jq -r --arg n "$name" '.[] | select(.name == $n and .status == "updated") | .files[]' "$report")
		title=$(jq -r --arg n "$name" '.[] | select(.name == $n and .status == "updated") | .title' "$report")
		jq -r --arg n "$name" '.[] | select(.name == $n and .status == "updated") | .body' "$report" | propose "update-$name" "$title" "${files[@]}"
	done < <(jq -r '.[] | select(.status == "updated") | .name' "$report")
fi
jq -r '.[] | select(.error) | "::warning title=kiln::" + ("\(.name // .recipe): \(.error)" | gsub("%"; "%25") | gsub("\r"; "%0D") | gsub("\n"; "%0A"))' "$report" >&2
exit "$code"
