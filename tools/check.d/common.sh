# SPDX-License-Identifier: MIT
# What tools/check and its stages share. A stage counts by verify and count; what it prints goes to
# its log, what it says to whoever ran tools/check.
# shellcheck shell=bash

stage=$1 # who speaks
here=$(cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")" && pwd)
project=$(realpath "$here/../..")
build=$project/build-check
# shellcheck disable=SC2034 # used by those who source this
logs=$build/logs cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vfiod jobs=$(nproc)
ninja=0 keep_going=(-k)
! command -v ninja >/dev/null || { ninja=1 && keep_going=(-k 0); }
began_at=${VFIOD_CHECK_BEGAN:-$(date +%s)}
export VFIOD_CHECK_BEGAN=$began_at
cd "$project" || exit

die() {
	printf 'check: %s\n' "$*" >&2
	exit 2
}

# Tells whoever waits: time since the start, stage, what.
say() {
	local seconds=$(($(date +%s) - began_at))
	printf '%2d:%02d %-8s %s\n' $((seconds / 60)) $((seconds % 60)) "$stage" "$*" >&3
}

# The end of a log without what went well, indented, for the list of failures.
show() {
	printf '      --- %s\n' "$1"
	{ grep -vE '^\[[0-9]+/[0-9]+\] |^\[ *[0-9]+%\] |^ok ' "$1" || true; } | tail -n 80 |
		cut -c 1-400 | sed 's/^/      /'
}

count() {
	printf '%d %d\n' "$1" "$2" >>"$logs/$stage.counts"
}

# Runs a command as the check of the given name and counts it. Its output is kept apart.
verify() {
	local name=$1 began=$SECONDS log=$logs/$stage-$1.log
	shift
	if "$@" >"$log" 2>&1; then
		count 1 0
		say "$name: good ($((SECONDS - began)) s)"
		return
	fi
	count 0 1
	say "$name: FAILED ($((SECONDS - began)) s)"
	show "$log" >>"$logs/$stage.failures"
	return 1
}

# Lists the project's files, those not yet committed too; arguments are git's patterns.
project_files() {
	git -C "$project" ls-files --cached --others --exclude-standard -- "$@" |
		while IFS= read -r file; do
			[[ ! -f $project/$file ]] || printf '%s\n' "$file"
		done
}

# configure FOLDER COMPILER [OPTION]...: a build folder below build-check/.
configure() {
	local options=()
	((!ninja)) || options+=(-G Ninja)
	! command -v ccache >/dev/null || options+=(-D CMAKE_C_COMPILER_LAUNCHER=ccache)
	cmake -S "$project" -B "$build/$1" -D CMAKE_C_COMPILER="$2" -D VFIOD_DEVELOPER=ON \
		"${options[@]}" "${@:3}"
}

compile() {
	# So that another clone of the project finds its objects in the cache.
	CCACHE_BASEDIR=$project CCACHE_NOHASHDIR=1 \
		nice cmake --build "$build/$1" --parallel "$jobs" "${@:2}" -- "${keep_going[@]}"
}

# build FOLDER COMPILER [OPTION]...
build() {
	configure "$@" && compile "$1"
}
