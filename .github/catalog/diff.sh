#!/usr/bin/env bash
# Writes, as Markdown, what differs between images of the catalog that were
# built, and those that are published for the recipes as they were:
#
#	diff.sh CATALOG REVISION IMAGES NAME...
#
# IMAGES is the folder that `kiln catalog build --oci` wrote to.
set -euo pipefail
catalog=$1 revision=$2 images=$3
shift 3

before=$(mktemp -d)
trap 'git worktree remove --force "$before"' EXIT
git worktree add --quiet --detach "$before" "$revision"

# published NAME: the image of the recipe as it was, or nothing.
published() {
	kiln catalog list --catalog "$before/$catalog" --output json "$1" 2>/dev/null |
		jq -r '.[] | select(.repository and .version) | "\(.repository):\(.version)"'
}

# variants NAME: what follows the recipe's name in those of its images.
variants() {
	kiln catalog list --catalog "$catalog" --output json "$1" | jq -r '.[] | "", "-" + .variants[]?'
}

for name in "$@"; do
	echo "### $name"
	echo
	old=$(published "$name" || true)
	while IFS= read -r variant; do
		layout=$images/$name$variant.oci
		[[ -e $layout ]] || continue
		if [[ -z $old ]] || ! difference=$(kiln diff "$old$variant" "$layout" 2>&1); then
			echo "\`$name$variant\`: nothing published to compare with${old:+ at \`$old$variant\`}."
			echo
			continue
		fi
		echo "<details><summary>$name$variant, compared with $old$variant</summary>"
		echo
		echo '~~~~'
		echo "$difference"
		echo '~~~~'
		echo
		echo '</details>'
		echo
	done < <(variants "$name")
done
