# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the sweeps share: a simulated host, a vfiod on it, requests, and what is to be seen of both.
# To be sourced, after `set -euo pipefail`, with $build, the folder of the build.

readonly build=${build:?}

readonly api=api/v1/vfio/devices
# One of each group, of both drivers.
readonly devices=(0000:00:03.0 0000:00:04.0 0000:01:00.0 0000:03:01.0)
batch=$(printf ',"%s"' "${devices[@]}")
readonly batch="{\"pci_addresses\":[${batch:1}]}"
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
readonly here host_file=$here/../../tools/simhost/hosts/lab.host

folder='' # of everything of this run
host=''   # where the host is mounted
state=''  # vfiod's folder
simhost='' keeper='' vfiod='' helper='' url='' status='' passed=0 failed=0

skip() {
	printf 'skipped: %s\n' "$*" >&2
	exit 77
}

say() {
	[[ ! -t 1 ]] || printf '\r\e[K'
	printf '%s\n' "$*"
}

progress() {
	[[ ! -t 1 ]] || printf '\r\e[K%s' "$*"
}

# Milliseconds, of any clock.
now_ms() {
	printf -v "$1" '%d' "$((${EPOCHREALTIME/[.,]/} / 1000))"
}

# Sleeps for so many microseconds without a process of its own.
pause() {
	local seconds
	printf -v seconds '%d.%06d' "$(($1 / 1000000))" "$(($1 % 1000000))"
	read -r -t "$seconds" -u "$silence" || true
}

is_gone() {
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ ${line##*)} == ' Z '* ]]
}

# Usage: wait_until MILLISECONDS COMMAND...
wait_until() {
	local end now
	now_ms end
	end=$((end + $1))
	shift
	until "$@"; do
		now_ms now
		((now < end)) || return 1
		pause 2000
	done
}

prepare() {
	local program
	((EUID == 0)) || skip "vfiod and its privileged process are to be followed: that needs root"
	[[ -r /dev/fuse && -w /dev/fuse ]] || skip "/dev/fuse is not there: nothing can be mounted"
	for program in python3 curl fusermount3; do
		command -v "$program" >/dev/null || skip "there is no $program"
	done
	for program in "$@"; do
		[[ -x $program ]] || {
			printf '%s is not there: build first\n' "$program" >&2
			exit 2
		}
	done
	folder=$(mktemp -d)
	host=$folder/host state=$folder/state
	chmod 755 "$folder" # for the user that vfiod becomes
	mkdir "$host"
	mkfifo "$folder/silence"
	exec {silence}<>"$folder/silence"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

clean_up() {
	local code=$? pid
	trap - EXIT
	for pid in $vfiod $simhost; do
		kill "$pid" 2>/dev/null || true
	done
	wait
	fusermount3 -q -u -z "$host" 2>/dev/null || true
	umount -q -l "$state" 2>/dev/null || true
	rm -rf --one-file-system "$folder"
	exit "$code"
}

host_is_up() {
	[[ -e $host/control ]] || ! kill -0 "$simhost" 2>/dev/null
}

host_start() {
	"$build/bin/simhost" --foreground "$host_file" "$host" 2>"$folder/simhost.log" &
	simhost=$!
	wait_until 20000 host_is_up || true
	if [[ ! -e $host/control ]]; then
		cat "$folder/simhost.log" >&2
		exit 1
	fi
	# One that somebody has chosen a driver for already.
	echo e1000e >"$host/sys/bus/pci/devices/${devices[1]}/driver_override"
}

vfiod_serves() {
	url=$(sed -n 's/.*serving REST on \(http:[^ ]*\).*/\1/p' "$folder/vfiod.log" 2>/dev/null)
	[[ $url ]] || vfiod_has_ended
}

# Keeps vfiod, for the shell would tell of each that is killed. Ends as vfiod does.
keep() {
	local code=0
	"$build/bin/vfiod" --http 127.0.0.1:0 --rpc "ipc://$folder/run/rpc.sock" \
		--events "ipc://$folder/run/events.sock" --root "$host" --state "$state" \
		2>"$folder/vfiod.log" {silence}<&- &
	echo $! >"$folder/pid"
	wait $! || code=$?
	exit "$code"
}

# Starts vfiod. 1 with its exit status in status when it does not serve.
vfiod_start() {
	rm -f "$folder/vfiod.log" "$folder/pid"
	vfiod='' helper='' url=''
	(keep) 2>/dev/null &
	keeper=$!
	wait_until 5000 test -s "$folder/pid"
	read -r vfiod <"$folder/pid"
	wait_until 60000 vfiod_serves || return 1
	if [[ ! $url ]]; then
		vfiod_wait
		return 1
	fi
	read -r helper <"/proc/$vfiod/task/$vfiod/children" || [[ $helper ]]
	helper=${helper%% *}
}

vfiod_has_ended() { ! kill -0 "$keeper" 2>/dev/null; }

# Waits for the end of vfiod and sets status to its exit status. 1 when it does not end.
vfiod_wait() {
	status=0
	wait_until 20000 vfiod_has_ended || return 1
	wait "$keeper" || status=$?
	vfiod='' keeper=''
}

# Usage: vfiod_stop SIGNAL
vfiod_stop() {
	[[ ! $vfiod ]] || kill -s "$1" "$vfiod" 2>/dev/null || true
	[[ ! $vfiod ]] || vfiod_wait
}

# Usage: call METHOD [BODY]. Sets status to that of HTTP, 000 without an answer, which is in
# $folder/answer.
call() {
	: >"$folder/answer"
	status=$(curl -s -m 60 -o "$folder/answer" -w '%{http_code}' \
		-H 'Content-Type: application/json' -d "${2:-$batch}" "$url/$api/$1") || true
}

# Every device's driver and override.
snapshot() {
	(
		cd "$host/sys/bus/pci/devices" || exit
		find -- */driver -maxdepth 0 -printf '%p %l\n' 2>/dev/null
		grep -s '' -- */driver_override || true
	)
}

# The database in words: unfinished intents, their devices, records, soundness.
journal() {
	python3 -I -S -c '
import sqlite3, sys
db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True, timeout=10)
count = lambda table: db.execute("SELECT count(*) FROM " + table).fetchone()[0]
print(count("intent"), "intents,", count("intent_device"), "devices,", count("origin"), "records,",
      db.execute("PRAGMA integrity_check").fetchone()[0])' "$state/daemon/state.db" 2>&1
}

originals() {
	local device
	for device in "${devices[@]}"; do
		call info "{\"pci_address\":\"$device\"}"
		grep -o '"original_driver":"[^"]*"' "$folder/answer" || true
	done
}

# Usage: tell TITLE FACT...: the full story of a failure.
tell() {
	failed=$((failed + 1))
	say "FAILED: $1"
	shift
	[[ ! $* ]] || printf '    %s\n' "$@"
	printf '    answer (%s): %s\n' "$status" "$(cat "$folder/answer" 2>/dev/null)"
	sed 's/^/    log: /' "$folder/vfiod.log"
}

conclude() {
	say "$passed passed, $failed failed"
	((passed > 0 && failed == 0))
}
