# SPDX-License-Identifier: MIT
# Counts the test cases of cmocka in what ctest --verbose prints: "PASSED FAILED", then a line for
# each failure. A program that is no cmocka program, or that died before it could say more, counts
# as one.
match($0, /^[0-9]+: /) {
	n = substr($0, 1, RLENGTH - 2)
	line = substr($0, RLENGTH + 1)
	if (line ~ /^\[       OK \] /)
		good[n]++
	else if (line ~ /^\[  FAILED  \] / && line !~ /listed below:$/ && !seen[n, line]++) {
		bad[n]++
		names[n] = names[n] "\n\t" substr(line, 14)
	}
}
match($0, /Test +#[0-9]+: /) {
	match($0, /#[0-9]+: /)
	n = substr($0, RSTART + 1, RLENGTH - 3)
	split(substr($0, RSTART + RLENGTH), word, " ")
	if ($0 ~ /   Passed +[0-9.]+ sec$/)
		passed += good[n] ? good[n] : 1
	else {
		passed += good[n]
		failed += bad[n] ? bad[n] : 1
		list = list "\n" word[1] ": " (bad[n] ? "failed" names[n] : $0)
	}
}
END { print passed + 0, failed + 0 list }
