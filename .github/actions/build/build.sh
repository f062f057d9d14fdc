#!/usr/bin/env bash
# Runs `kiln build` with the inputs of the action, which are in INPUT_*, and
# writes the action's outputs and the summary of the job.
set -euo pipefail

fail() {
	echo "::error title=kiln::$1" >&2
	exit 2
}

# list TEXT [SEPARATOR]: the items of a list, each a line. They stand on lines of
# their own, and between separators.
list() {
	local item text=$1
	[[ -z ${2:-} ]] || text=${1//"$2"/$'\n'}
	while IFS= read -r item; do
		item="${item#"${item%%[![:space:]]*}"}"
		item="${item%"${item##*[![:space:]]}"}"
		[[ -z $item ]] || printf '%s\n' "$item"
	done <<<"$text"
}

# is NAME VALUE: the input NAME is true.
is() {
	case $2 in
	true) return 0 ;;
	false | '') return 1 ;;
	*) fail "$1: want true or false, got $2" ;;
	esac
}

[[ $INPUT_FILE && $INPUT_FILE != -* ]] || fail "file: want the path of a recipe"
args=(build "$INPUT_FILE" --output json --progress plain)

# each FLAG TEXT [SEPARATOR]: the flag once for each item of the list.
each() {
	local item
	while IFS= read -r item; do
		args+=("$1=$item")
	done < <(list "$2" "${3:-}")
}

# The first of the tags says where to push to; the others are further tags there.
push() {
	local first='' repository='' ref name tag
	while IFS= read -r ref; do
		name=$ref tag=${ref##*/}
		if [[ $tag == *:* ]]; then
			tag=${tag#*:} name=${ref%":$tag"}
		else
			tag=''
		fi
		if [[ -z $first ]]; then
			first=$ref repository=$name
			args+=("--push=$ref")
		elif [[ $name != "$repository" ]]; then
			fail "tags: kiln pushes to one repository, got $repository and $name"
		elif [[ $tag ]]; then
			args+=("--tag=$tag")
		fi
	done < <(list "$INPUT_TAGS" ,)
	[[ $first ]] || fail 'tags: want where to push to, such as registry.corp/platform/nats'
}

each --variant "$INPUT_TARGET"
each --platform "$INPUT_PLATFORMS" ,
each --cache-from "$INPUT_CACHE_FROM"
each --cache-to "$INPUT_CACHE_TO"
each --engine "$INPUT_BUILDER" ,
each --key "$INPUT_KEY"
! is push "$INPUT_PUSH" || push
! is load "$INPUT_LOAD" || args+=(--load)
! is keyless "$INPUT_KEYLESS" || args+=(--keyless)
! is public-sigstore "$INPUT_PUBLIC_SIGSTORE" || args+=(--public-sigstore)
while IFS= read -r arg; do
	args+=("$arg")
done < <(list "$INPUT_ARGS")

metadata=$(kiln "${args[@]}")

# field NAME: the first field of this name, which is the image's own.
field() {
	[[ $metadata =~ \"$1\":\"([^\"]*)\" ]] && printf '%s' "${BASH_REMATCH[1]}"
}

delimiter=kiln-$RANDOM$RANDOM$RANDOM
{
	echo "digest=$(field digest)"
	echo "metadata<<$delimiter"
	echo "$metadata"
	echo "$delimiter"
} >>"$GITHUB_OUTPUT"

state=built
[[ $metadata != *'"unchanged":true'* ]] || state='unchanged, verified'
{
	echo "### $(field name) $(field version)"
	echo
	echo "| | |"
	echo "|---|---|"
	echo "| Image | \`$(field reference)\` |"
	echo "| State | $state |"
	echo "| Signed by | \`$(field signedBy)\` |"
} >>"$GITHUB_STEP_SUMMARY"
