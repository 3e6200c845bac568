#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2317 # called by expect; patterns
# What the compiler and the linker were asked for is in the programs.
#
# Usage: hardened.sh COMPILER PROGRAM...
set -euo pipefail

compiler=$1
shift
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect PROGRAM WHAT COMMAND...
expect() {
	"${@:3}" && return
	echo "$1: $2"
	failed=1
}

has() { grep -qE "$1" "$2"; }
lacks() { ! has "$@"; }

# Whether main begins with the instruction that marks where an indirect call may lead.
main_is_a_target() { grep -A 1 '<main>:$' "$1" | grep -q 'endbr64'; }

# The note by which the loader turns that on; only where libc's own start files have it too.
echo 'int main(void) { return 0; }' >"$work/plain.c"
"$compiler" -fcf-protection=full -o "$work/plain" "$work/plain.c" 2>/dev/null || : >"$work/plain"
control_flow=$(readelf --notes --wide "$work/plain" 2>/dev/null | grep -o 'IBT, SHSTK' || true)

for program; do
	readelf --headers --dynamic --wide "$program" >"$work/elf"
	readelf --notes --wide "$program" >"$work/notes"
	readelf --dyn-syms --wide "$program" >"$work/symbols"
	expect "$program" 'no position-independent executable' has '\(FLAGS_1\).*\<PIE\>' "$work/elf"
	expect "$program" 'symbols are bound lazily' has '\(FLAGS_1\).*\<NOW\>' "$work/elf"
	expect "$program" 'its relocations stay writable' has '^ *GNU_RELRO ' "$work/elf"
	expect "$program" 'nothing says that its stack is no code' has '^ *GNU_STACK ' "$work/elf"
	expect "$program" 'its stack is code' lacks '^ *GNU_STACK .* RWE ' "$work/elf"
	expect "$program" 'a segment is both written and executed' lacks '^ *LOAD .* RWE ' "$work/elf"
	expect "$program" 'no stack protector' has '__stack_chk_fail' "$work/symbols"
	expect "$program" 'nothing is fortified' has '__[a-z]+_chk' "$work/symbols"
	[[ -z $control_flow ]] ||
		expect "$program" 'libraries do without control-flow protection' \
			has "$control_flow" "$work/notes"
	[[ $(uname -m) == x86_64 ]] || continue
	objdump --disassemble --no-show-raw-insn "$program" >"$work/code"
	expect "$program" 'no control-flow protection' main_is_a_target "$work/code"
	expect "$program" 'stack frames may jump over the guard page' \
		has '\<orq +\$0x0,(0x[0-9a-f]+)?\(%r[a-z0-9]+\)' "$work/code"
done
exit $failed
