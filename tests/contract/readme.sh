#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a document's examples: every ```sh block that follows a line `<!-- test: simulated -->`.
# Run by contract_serve, on a simulated host. http://127.0.0.1:8080 and ipc:///run/vfiod/rpc.sock
# become the daemon's; a curl that is answered with an error fails. The blocks share a folder of their own, in which proto/ is the one
# beside the document. Usage: readme.sh DOCUMENT. Exit status 77: there is nothing to run.
set -euo pipefail

(($# == 1)) || {
	echo "Usage: contract_serve VFIOD readme.sh DOCUMENT" >&2
	exit 2
}
document=$(realpath "$1")
readonly document
work=$(mktemp -d)
readonly work
trap 'rm -r "$work"' EXIT

# Writes the marked blocks to files, named by the line they begin at.
awk -v work="$work" '
	/^<!-- test: simulated -->[ \t]*$/ { marked = 1; next }
	marked && /^```sh[ \t]*$/ { file = sprintf("%s/%06d", work, NR + 1); printf "" > file; marked = 0; next }
	marked && /[^ \t]/ { printf "line %d: no ```sh block follows the marker\n", NR > "/dev/stderr"; exit 1 }
	file && /^```[ \t]*$/ { close(file); file = ""; next }
	file { print > file }
' "$document"

curl() { command curl --silent --show-error --fail-with-body --max-time 20 "$@"; }
export -f curl

shopt -s nullglob
mkdir "$work/folder"
ln -s "$(dirname "$document")/proto" "$work/folder/proto"
cd "$work/folder"
blocks=("$work"/0*)
((${#blocks[@]})) || {
	echo "$document has no block marked <!-- test: simulated -->"
	exit 77
}
for block in "${blocks[@]}"; do
	printf '# %s, line %d\n' "$document" "$((10#${block##*/}))"
	sed -i -E -e "s,http://(127\.0\.0\.1|localhost):8080,$VFIOD_HTTP,g" \
		-e "s,ipc:///run/vfiod/rpc.sock,$VFIOD_RPC,g" "$block"
	cat "$block"
	bash -euo pipefail "$block" </dev/null || {
		status=$?
		printf '\nfailed with status %d\n' "$status" >&2
		exit 1
	}
	echo
done
