#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a document's examples: every ```sh block that follows a line `<!-- test: simulated -->`.
# Run by contract_serve, on a simulated host. http://127.0.0.1:8080 and ipc:///run/vfiod/rpc.sock
# become the daemon's. Where a ```json block follows before the next example, the example must print
# JSON that has at least that in it; of others, a curl that is answered with an error fails. The
# blocks share a folder of their own, in which proto/ is the one beside the document.
# Usage: readme.sh DOCUMENT. Exit status 77: there is nothing to run.
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

# Writes the marked blocks to files, named by the line they begin at, and what they answer beside them.
awk -v work="$work" '
	/^<!-- test: simulated -->[ \t]*$/ { marked = 1; example = ""; next }
	marked && /^```sh[ \t]*$/ { file = example = sprintf("%s/%06d", work, NR + 1); printf "" > file; marked = 0; next }
	example && !file && /^```json[ \t]*$/ { file = example ".json"; example = ""; next }
	marked && /[^ \t]/ { printf "line %d: no ```sh block follows the marker\n", NR > "/dev/stderr"; exit 1 }
	file && /^```[ \t]*$/ { close(file); file = ""; next }
	file { print > file }
' "$document"

curl() { command curl --silent --show-error --max-time 20 ${MUST_SUCCEED:+"--fail-with-body"} "$@"; }
export -f curl

# has FILE WANTED: all of the wanted JSON is in the file's: of an object the members, of an array each
# element.
has() {
	jq -e --slurpfile wanted "$2" '
		def covers($want):
			if type == "object" and ($want | type) == "object" then
				. as $got | all($want | keys[]; . as $key |
					($got | has($key)) and ($got[$key] | covers($want[$key])))
			elif type == "array" and ($want | type) == "array" then
				. as $got | length == ($want | length) and
					all(range(length); . as $i | $got[$i] | covers($want[$i]))
			else . == $want end;
		covers($wanted[0])' "$1" >/dev/null
}

# Runs an example, and looks at what it answers where the document says that.
example() {
	if [[ ! -f $1.json ]]; then
		MUST_SUCCEED=1 bash -euo pipefail "$1" </dev/null
		return
	fi
	bash -euo pipefail "$1" </dev/null >"$1.answer" || return
	cat "$1.answer"
	has "$1.answer" "$1.json" && return
	printf '\nand not, as the document says, %s\n' "$(cat "$1.json")" >&2
	return 1
}

shopt -s nullglob
mkdir "$work/folder"
ln -s "$(dirname "$document")/proto" "$work/folder/proto"
cd "$work/folder"
blocks=("$work"/0?????)
((${#blocks[@]})) || {
	echo "$document has no block marked <!-- test: simulated -->"
	exit 77
}
for block in "${blocks[@]}"; do
	printf '# %s, line %d\n' "$document" "$((10#${block##*/}))"
	sed -i -E -e "s,http://(127\.0\.0\.1|localhost):8080,$VFIOD_HTTP,g" \
		-e "s,ipc:///run/vfiod/rpc.sock,$VFIOD_RPC,g" "$block"
	cat "$block"
	example "$block" || {
		status=$?
		printf '\nfailed with status %d\n' "$status" >&2
		exit 1
	}
	echo
done
