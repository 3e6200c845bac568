# SPDX-License-Identifier: MIT
# Prints every citation that leads nowhere: a page that is not in docs/, a heading in quotes behind a
# page (as in: docs/operations.md, "Bind") or an #anchor that the page does not have, and, in the
# pages, a relative link to a file that is not there.
# Usage: awk -f citations.awk PAGE... pass=2 FILE...; at the project's root.

# The anchor of a heading.
function anchor(heading) {
	heading = tolower(heading)
	gsub(/[^a-z0-9 _-]/, "", heading)
	gsub(/ /, "-", heading)
	return heading
}

function complain(what) {
	printf "%s:%d: %s\n", file, number, what
}

function exists(path, line, result) {
	result = getline line < path
	close(path)
	return result >= 0
}

# The path that a link in the file leads to.
function resolve(path, folder) {
	folder = file
	if (!sub(/\/[^\/]*$/, "/", folder))
		folder = ""
	path = folder path
	while (sub(/[^\/]+\/\.\.\//, "", path))
		continue
	return path
}

# Checks the heading in quotes that may stand behind a page's name.
function check_heading(page, behind) {
	if (behind !~ /^, \\?"[^"]+"/ || !(page in pages))
		return
	sub(/^, \\?"/, "", behind)
	sub(/\\?".*/, "", behind)
	if (!((page, behind) in headings))
		complain(page " has no heading \"" behind "\"")
}

function check_link(target, behind, part, path) {
	if (target ~ /^[a-z]+:/)
		return
	split(target, part, "#")
	path = part[1] == "" ? file : resolve(part[1])
	if (!(path in pages) && !exists(path))
		complain("there is no " path)
	if (part[2] != "" && path in pages && !((path, part[2]) in anchors))
		complain(path " has no #" part[2])
	check_heading(path, behind)
}

# A page's name, but not as a part of a link, which is looked at by itself.
function check_name(name, before, behind) {
	if (name ~ /(^|\/)README\.md$/ || before ~ /(\[|\]\()$/)
		return
	sub(/^.*\/docs\//, "docs/", name)
	if (name in pages)
		check_heading(name, behind)
	else
		complain("there is no page " name)
}

# Checks what matches the pattern and begins in the line. What follows, next_line, is there for
# citations that go on in it.
function check(line, next_line, pattern, at, begin, len, found) {
	line = line " "
	for (at = 1; match(substr(line next_line, at), pattern); at = begin + len) {
		begin = at + RSTART - 1
		len = RLENGTH
		if (begin >= length(line))
			return
		found = substr(line next_line, begin, len)
		if (found ~ /^\]\(/)
			check_link(substr(found, 3, len - 3), substr(line next_line, begin + len))
		else
			check_name(found, substr(line, 1, begin - 1), substr(line next_line, begin + len))
	}
}

function check_line(next_line) {
	sub(/^[ \t]*(\*|\/\/|#)?[ \t]*/, "", next_line)
	if (index(line_before, ".md"))
		check(line_before, next_line, "[A-Za-z0-9_./-]*[A-Za-z0-9_-]\\.md")
	if (file in pages)
		check(line_before, next_line, "\\]\\([^) ]+\\)")
}

pass != 2 {
	pages[FILENAME]
	if (/^[ \t]*```/)
		fenced = !fenced
	if (!fenced && sub(/^#+ /, "")) {
		headings[FILENAME, $0]
		anchors[FILENAME, anchor($0)]
	}
	next
}

{
	if (file != "")
		check_line(FNR == 1 ? "" : $0)
	file = FILENAME
	number = FNR
	line_before = $0
}

END { check_line("") }
