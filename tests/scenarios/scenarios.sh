#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# Runs the scenarios: what vfiod must do, on a ground that is either a real kernel or a simulated
# host. Prints "ok NAME", "not ok NAME: WHY" or "skipped NAME: WHY" for each.
#
# Usage: scenarios.sh GROUND [SCENARIO]...
#   GROUND  lab (as root inside its guest: tests/lab/run) or simulated (tests/scenarios/simulated)
#
# A scenario is a function below a line of the form
#
#   # [WORDS] What it proves.
#
# in one of the files that $parts names: all, or those of the environment. WORDS tell how it is run:
# "rest" or "faces", which is over REST and over RPC, with $face set; "lab" or "simulated" when it is
# for that ground alone; and "on NAME" when it needs the simulated host hosts/NAME.host. With
# alternate=rest or alternate=rpc in the environment, "faces" is over one of the two, by turns, and
# the first one over that. A scenario runs in a subshell of its own, which `fail` ends, and leaves
# the host as it found it. docs/scenarios.md lists them all.
set -u

here=$(dirname "$0")
all_parts='reading binding sharing advice guards standing holders pending life records rights faults'
parts=${parts:-$all_parts}
alternate=${alternate:-}
ground=$1
shift

# shellcheck source=tests/scenarios/scenario.sh
. "$here/scenario.sh"
# shellcheck source=tests/scenarios/ground-simulated.sh
. "$here/ground-$ground.sh"
for part in $all_parts; do
	# shellcheck source=/dev/null
	. "$here/part-$part.sh"
done

# One line for each scenario of this ground: its name, faces and host.
list() {
	for part in $parts; do
		awk -v ground="$ground" '
		/^# \[(rest|faces)[^]]*\] / {
			words = substr($0, 4, index($0, "]") - 4)
			n = split(words, word, " ")
			host = "lab"
			other = 0
			for (i = 2; i <= n; i++) {
				if (word[i] == "on")
					host = word[++i]
				else if (word[i] != ground)
					other = 1
			}
			getline
			sub(/\(.*/, "")
			if (!other)
				print $0, word[1], host
		}' "$here/part-$part.sh"
	done
}

# Usage: run NAME FUNCTION FACE HOST
run() {
	local status=0
	face=$3
	if ! ground_host "$4" 3>"$work/why"; then
		echo "not ok $1: $(cat "$work/why")"
		failed=1
		return
	fi
	("$2") 3>"$work/why" >"$work/output" 2>&1 || status=$?
	case $status in
	0) echo "ok $1" ;;
	77) echo "skipped $1: $(cat "$work/why")" ;;
	*)
		[ -s "$work/why" ] || tail -n 1 "$work/output" >"$work/why"
		echo "not ok $1: $(tr '\n' ' ' <"$work/why")"
		tail -n 20 "$log" | sed 's/^/# vfiod: /'
		failed=1
		ground_reset
		;;
	esac
}

# Usage: run_all [SCENARIO]...
run_all() {
	local scenario faces on turn=${alternate:-both} wanted=" $* "
	while read -r scenario faces on <&4; do
		case $wanted in
		'  ' | *" $scenario "*) ;;
		*) continue ;;
		esac
		if [ "$faces" = rest ]; then
			run "$scenario" "$scenario" rest "$on"
			continue
		fi
		[ "$turn" = rpc ] || run "$scenario over REST" "$scenario" rest "$on"
		[ "$turn" = rest ] || run "$scenario over RPC" "$scenario" rpc "$on"
		case $turn in
		rest) turn=rpc ;;
		rpc) turn=rest ;;
		esac
	done 4<"$work/list"
}

main() {
	local name
	failed=0
	ground_begin
	list >"$work/list"
	for name; do
		grep -q "^$name " "$work/list" || {
			echo "not ok $name: there is no such scenario on this ground"
			failed=1
		}
	done
	run_all "$@"
	ground_end
	return $failed
}

main "$@"
