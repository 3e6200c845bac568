# SPDX-License-Identifier: MIT
# Prints every #include that the table does not allow: awk -f arrows.awk TABLE FILE...

function folder(path) {
	return path ~ "/" ? substr(path, 1, length(path) - length(name(path)) - 1) : ""
}

function name(path) {
	sub(".*/", "", path)
	return path
}

# Whether the entry of the table means that file.
function fits(entry, path) {
	if (entry ~ /\*$/)
		return index(path, substr(entry, 1, length(entry) - 1)) == 1
	return entry == folder(path) || entry == path
}

# The row for a file: of those that fit, the longest.
function row_of(path,    row, best) {
	for (row in rows)
		if (fits(row, path) && length(row) > length(best))
			best = row
	return best
}

function allows(row, path,    n, i, to) {
	n = split(rows[row], to, " ")
	for (i = 1; i <= n; i++)
		if (fits(to[i], path))
			return 1
	return 0
}

# Whether a header of the system is of no library in the table, or of one that the row names.
function allows_library(row, path,    library) {
	for (library in libraries)
		if (index(path, library) == 1)
			return index(rows[row] " ", " <" library "> ") > 0
	return 1
}

function complain(what) {
	print FILENAME ":" FNR ": " what
}

FILENAME == ARGV[1] {
	if ($2 != "->")
		next
	for (i = 3; i <= NF; i++) {
		rows[$1] = rows[$1] " " $i
		if ($i ~ /^</)
			libraries[substr($i, 2, length($i) - 2)]
	}
	rows[$1] = rows[$1] ""
	next
}

FNR == 1 {
	row = row_of(FILENAME)
	if (row == "")
		complain("the table has no row for this file")
}

/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
	split($0, part, /[<">]/)
	path = part[2]
	if (path ~ /\.c$/)
		complain("includes a .c file, " path)
	else if (path ~ /\.pb-c\.h$/)
		path = "proto/" name(path)
	if ($0 ~ /include[ \t]*"/ && path !~ "/")
		path = folder(FILENAME) "/" path
	if ($0 ~ /include[ \t]*</ && path !~ /^proto\//) {
		if (!allows_library(row, path))
			complain(row " must not include <" path ">")
	} else if (folder(path) != folder(FILENAME) && !allows(row, path)) {
		complain(row " must not include " path)
	}
}
