#!/bin/sh
# SPDX-License-Identifier: MIT
# words.sh VFIOCTL FOLDER: the completion and the manual page in FOLDER know every command and
# every option that VFIOCTL's --help knows.
set -u

vfioctl=$1 completion=$2/vfioctl.bash-completion manual=$2/vfioctl.1
failed=0

# want TEXT PATTERN FILE WORD
want() {
	echo "$1" | grep -qe "$2" && return
	echo "$3 does not know $4"
	failed=1
}

completion_text=$(cat "$completion")
manual_text=$(tr -d '\134' <"$manual") # troff writes a hyphen that can be copied as \-

commands=$("$vfioctl" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || { echo "--help lists no commands"; exit 1; }

for command in $commands; do
	want "$completion_text" "[ '|]${command}[ )|']" "$completion" "$command"
	want "$manual_text" "^\.BI\{0,1\} $command\( \|\$\)" "$manual" "$command"
	for option in $("$vfioctl" "$command" --help | sed -n '/^  /p' | grep -o -e '--[a-z-]*' | sort -u); do
		want "$completion_text" "$option\b" "$completion" "$option"
		want "$manual_text" "$option\b" "$manual" "$option"
	done
done
bash -n "$completion" || failed=1
exit $failed
