#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Holds a vfiod that runs already to the contract, as one would another implementation: the server
# and its host are started here, and made fresh for the cases that change them.
# Usage: elsewhere.sh CONTRACT_TEST VFIOD SIMHOST
set -euo pipefail

stop() {
	local pid
	pid=$(cat "$work/pid" 2>/dev/null) || return 0
	rm "$work/pid"
	kill "$pid"
	tail --pid="$pid" -s 0.02 -f /dev/null
	fusermount3 -uz "$work/host"
}

# The address it serves on is left in $work/http.
start() {
	local line
	"$SIMHOST" "$here/contract.host" "$work/host"
	# Opened for both, so that neither side waits for the other and none is left without one.
	exec 4<>"$work/said"
	"$VFIOD" --root="$work/host" --state="$work/state" --http="${HTTP:-127.0.0.1:0}" \
		--rpc="ipc://$work/run/rpc.sock" --events="ipc://$work/run/events.sock" \
		>/dev/null 2>&4 </dev/null &
	echo $! >"$work/pid"
	while IFS= read -r -t 20 line <&4; do
		[[ $line != *'serving REST on http://'* ]] || break
	done
	line=${line#*http://}
	echo "${line%% *}" >"$work/http"
}

if [[ ${1:-} == fresh ]]; then
	stop
	rm -rf "$work/state"
	start
	exit
fi
(($# == 3)) || {
	echo "Usage: elsewhere.sh CONTRACT_TEST VFIOD SIMHOST" >&2
	exit 2
}
[[ -r /dev/fuse && -w /dev/fuse ]] || {
	echo "skipped: a simulated host needs /dev/fuse"
	exit 77
}
here=$(cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")" && pwd)
work=$(mktemp -d /tmp/vfiod-elsewhere-XXXXXX)
chmod 755 "$work"
mkdir "$work/host"
mkfifo "$work/said"
export here work VFIOD=$2 SIMHOST=$3

# shellcheck disable=SC2317 # called by the trap
clean() {
	stop
	rm -r "$work"
}
trap clean EXIT

start
HTTP=$(cat "$work/http")
export HTTP
for mode in '' --extras; do
	# shellcheck disable=SC2086 # no argument where there is none
	"$1" --rest "http://$HTTP" --rpc "ipc://$work/run/rpc.sock" --host "$work/host" \
		--fresh "$here/elsewhere.sh fresh" --only '*bind: a*' $mode "$here/cases"
done
