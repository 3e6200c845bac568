# SPDX-License-Identifier: MIT
# Runs CTest and counts the test cases in what it prints.
# shellcheck shell=bash disable=SC2154 # common.sh has assigned them

# Shows the whole output of the tests that failed.
show_failures() {
	local number
	sed -n 's/.* Test *#\([0-9]*\): .*\*\*\*.*/\1/p' "$1" | while read -r number; do
		grep "^$number: " "$1" | grep -vE '^[0-9]+: \[( RUN  |       OK) ' | tail -n 60 |
			sed 's/^/      /'
	done
}

# run_tests FOLDER [OPTION OF CTEST]...
run_tests() {
	local log=$logs/$stage-ctest.log result passed failed status=0 long=()
	[[ -z ${VFIOD_CHECK_LONG:-} ]] || long=(--build-config long) # tests of that configuration too
	ctest --test-dir "$build/$1" --verbose --parallel "$jobs" --timeout 300 --no-tests=error \
		"${long[@]}" "${@:2}" >"$log" 2>&1 || status=$?
	result=$(awk -f "$here/cases.awk" "$log")
	read -r passed failed <<<"${result%%$'\n'*}"
	((!status || failed)) || failed=1 result+=$'\n'"ctest ended with status $status"
	count "$passed" "$failed"
	say "ctest: $passed test cases passed, $failed failed"
	((failed)) || return 0
	{
		printf '%s\n' "${result#*$'\n'}" | sed 's/^/      /'
		show_failures "$log"
		printf '      --- %s\n' "$log"
	} >>"$logs/$stage.failures"
}
