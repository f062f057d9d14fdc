#!/usr/bin/env bash
# Opens a pull request for each proposal of freshen.sh, or brings the one that is
# open up to date:
#
#	propose.sh FOLDER CATALOG
#
# Of a patch only what is below CATALOG is applied. gh and git use GH_TOKEN, and
# REPOSITORY is where the pull requests are.
set -euo pipefail
folder=$1 catalog=$2
start=$(git rev-parse HEAD)
git config user.name 'github-actions[bot]'
git config user.email '41898282+github-actions[bot]@users.noreply.github.com'
gh auth setup-git

for patch in "$folder"/*.patch; do
	[[ -e $patch ]] || exit 0
	id=$(basename "$patch" .patch)
	branch=catalog/$id title=$(head -n 1 "$folder/$id.title")
	git switch --quiet --force-create "$branch" "$start"
	if ! git apply --index --include="$catalog/*" "$patch" || git diff --cached --quiet; then
		echo "::warning title=kiln::$id does not apply" >&2
		git reset --quiet --hard "$start"
		continue
	fi
	git commit --quiet --file=- <<<"$title"
	git push --quiet --force origin "$branch"
	if [[ $(gh pr list --repo "$REPOSITORY" --head "$branch" --state open --json number --jq length) != 0 ]]; then
		gh pr edit "$branch" --repo "$REPOSITORY" --title "$title" --body-file "$folder/$id.body"
	else
		gh pr create --repo "$REPOSITORY" --head "$branch" --title "$title" --body-file "$folder/$id.body"
	fi
done
