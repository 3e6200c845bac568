#!/bin/sh
# SPDX-License-Identifier: MIT
# manual.sh PROGRAM PAGE [PROGRAM PAGE]...: each manual page knows every option and every variable of
# the environment that its program's --help knows, has a date, and is well-formed.
set -u

failed=0

wrong() {
	echo "$*"
	failed=1
}

# Prints the options and variables that a text names, a line each.
names_in() { grep -oE -- '(^|[^a-z-])--[a-z][a-z-]*|-[a-zA-Z],|[A-Z]+_[A-Z_]+' | sed 's/^[^-A-Z]//' | sort -u; }

while [ $# -ge 2 ]; do
	program=$1 page=$2
	shift 2
	help=$("$program" --help) || wrong "$program --help fails"
	[ "$help" = "$("$program" -h)" ] || wrong "$program -h differs from --help"
	[ "$("$program" -V)" = "$("$program" --version)" ] || wrong "$program -V differs from --version"
	manual=$(sed -e 's/\\f[A-Z]//g' "$page" | tr -d '\134"')
	names=$(echo "$help" | names_in)
	[ "$(echo "$names" | wc -l)" -ge 4 ] || wrong "$program --help names no options: $names"
	for name in $names; do
		echo "$manual" | grep -qe "${name%,}\\b" || wrong "$page does not know $name"
	done
	grep -qE '^\.TH [A-Z]+ [18] "20[0-9]{2}-[01][0-9]-[0-3][0-9]" ' "$page" || wrong "$page has no date"
	! grep -q '^@' "$page" || wrong "$page has no table of options"
	! command -v mandoc >/dev/null || mandoc -T lint "$page" || failed=1
done
exit $failed
