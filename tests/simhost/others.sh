#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What programs that are not ours see of a simulated host is what its host file says: lspci, which
# reads sysfs and the devices' config space; and vfioctl, through a vfiod on that host. Run by
# tests/clients/on-simhost. Usage: others.sh HOST-FILE VFIOCTL ADDRESS; a device that can be bound.
set -euo pipefail

(($# == 3)) || {
	echo "Usage: on-simhost FOLDER-OF-PROGRAMS HOST-FILE others.sh HOST-FILE VFIOCTL ADDRESS" >&2
	exit 2
}
readonly host_file=$1 vfioctl=$2 device=$3
failures=0

lspci() { command lspci -A linux-sysfs -O "sysfs.path=$VFIOD_HOST/sys/bus/pci" -D "$@"; }

# Usage: same WHAT EXPECTED GOT, texts of several lines
same() {
	diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") >&2 && return
	printf 'not as the host file says: %s\n' "$1" >&2
	failures=$((failures + 1))
}

# The devices of the host file, sorted, one a line: address, id, class, driver, group, node,
# subsystem, revision and the way to it through its bridges; "-" for none.
described() {
	awk '
	function drives(ids, id,    list, n, i) {
		n = split(ids, list, ",")
		for (i = 1; i <= n; i++)
			if (list[i] == id || list[i] == substr(id, 1, 5) "*")
				return 1
		return 0
	}
	function driver_of(id,    i) {
		for (i = 1; i <= drivers; i++)
			if (drives(ids[i], id))
				return name[i]
		return "-"
	}
	{ gsub(/"[^"]*"/, "text"); sub(/#.*/, ""); split("", has); has["revision"] = "00" }
	{
		for (i = 3; i <= NF; i++) {
			at = index($i, "=")
			has[at ? substr($i, 1, at - 1) : $i] = at ? substr($i, at + 1) : "yes"
		}
	}
	$1 == "driver" && !("vfio" in has) { name[++drivers] = $2; ids[drivers] = has["ids"] }
	$1 == "device" {
		parent = has["parent"]
		node[$2] = "numa" in has ? has["numa"] : parent ? node[parent] : "-"
		path[$2] = parent ? path[parent] "/" substr($2, 6) : $2
		driver = "driver" in has ? has["driver"] : driver_of(has["id"])
		print $2, has["id"], has["class"], driver == "none" ? "-" : driver, has["group"],
			node[$2], "subsystem" in has ? has["subsystem"] : "-", has["revision"], path[$2]
	}' "$host_file" | sort
}

# The same from lspci, all but the last column, made of its output for programs.
seen_by_lspci() {
	lspci -n -k -vmm | awk '
	BEGIN { RS = ""; FS = "\n" }
	{
		split("", has)
		for (i = 1; i <= NF; i++) {
			at = index($i, ":\t")
			has[substr($i, 1, at - 1)] = substr($i, at + 2)
		}
		print has["Slot"], has["Vendor"] ":" has["Device"],
			has["Class"] ("ProgIf" in has ? has["ProgIf"] : "00"), or_none("Driver"),
			or_none("IOMMUGroup"), or_none("NUMANode"),
			"SVendor" in has ? has["SVendor"] ":" has["SDevice"] : "-",
			"Rev" in has ? has["Rev"] : "00"
	}
	function or_none(key) { return key in has ? has[key] : "-" }' | sort
}

# And from what it prints for people: address, driver, group and node.
printed_by_lspci() {
	lspci -nn -k -v | awk '
	function end() { if (address) print address, driver, group, node }
	/^[0-9a-f]/ { end(); address = $1; driver = group = node = "-" }
	/^\tKernel driver in use: / { driver = $NF }
	function after(words) {
		if (!match($0, words "[0-9]+"))
			return "-"
		return substr($0, RSTART + length(words), RLENGTH - length(words))
	}
	/^\tFlags: / { group = after("IOMMU group "); node = after("NUMA node ") }
	END { end() }' | sort
}

driver_in_use() { lspci -s "$device" -k | sed -n 's/^\tKernel driver in use: //p'; }

columns() { cut -d ' ' -f "$1" <<<"$expected"; }

expected=$(described)
(($(wc -l <<<"$expected") > 10)) || {
	echo "$host_file has hardly a device: it was not understood" >&2
	exit 1
}
same 'lspci -vmmnk' "$(columns 1-8)" "$(seen_by_lspci)"
same 'lspci -nnkv' "$(columns 1,4,5,6)" "$(printed_by_lspci)"
same 'lspci -PP, by the numbers of the bridges' "$(columns 9 | sort)" \
	"$(lspci -n -PP | cut -d ' ' -f 1 | sort)"
same 'lspci -t, how many' "$(wc -l <<<"$expected")" \
	"$(lspci -t | grep -oE '[0-9a-f]{2}\.[0-7]' | wc -l)"
same 'lspci -vv, the buses behind bridges' "$(columns 3 | grep -c ^0604)" \
	"$(lspci -vv | grep -c 'Bus: primary=')"

vfioctl() { "$vfioctl" --rpc "$VFIOD_RPC" "$@"; }

same 'vfioctl list' "$(columns 1-6)" \
	"$(vfioctl list | awk 'NR > 1 { print $1, $2, $3, $4, $5, $6 }')"
before=$(driver_in_use)
vfioctl --quiet bind "$device"
same 'lspci after vfioctl bind' vfio-pci "$(driver_in_use)"
vfioctl --quiet unbind "$device"
same 'lspci after vfioctl unbind' "$before" "$(driver_in_use)"

printf '%d devices, %d differences\n' "$(wc -l <<<"$expected")" "$failures"
((failures == 0))
