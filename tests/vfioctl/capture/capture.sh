#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Mounts a host file, captures what is mounted, and mounts that: the second host must be the first
# in everything that vfiod reads and says, and a capture of it the same bytes. "/" instead of a host
# file is this machine, which is only read. Usage: capture.sh VFIOCTL SIMHOST VFIOD HOST
set -euo pipefail

vfioctl=$1 simhost=$2 vfiod=$3 original=$4
folder=$(mktemp -d)
daemon=''
failures=0

clean_up() {
	[[ -z $daemon ]] || kill "$daemon" 2>/dev/null || true
	for each in "$folder"/host.*; do
		umount -l "$each" 2>/dev/null || fusermount3 -uz "$each" 2>/dev/null || true
	done
	rm -rf --one-file-system "$folder"
}
trap clean_up EXIT
chmod 755 "$folder"

# Usage: same WHAT FILE FILE
same() {
	diff "$2" "$3" >"$folder/differences" && return
	printf 'not the same: %s\n' "$1"
	head -n 20 "$folder/differences"
	failures=$((failures + 1))
}

mount_host() {
	mkdir "$2"
	"$simhost" "$1" "$2"
}

# What vfiod reads of a host, as lines of "file:content" and "link target". Where a region is in
# memory is no part of a host file, and nobody's business.
files() {
	local attribute devices=$1/sys/bus/pci/devices
	cd "$devices"
	for attribute in vendor device class subsystem_vendor subsystem_device revision boot_vga boot_display \
		secondary_bus_number \
		sriov_totalvfs reset_method local_cpulist numa_node enable irq driver_override; do
		printf "%s/$attribute\\0" * | xargs -0 grep -Hs '' || true
	done
	# shellcheck disable=SC2016 # $3 is awk's
	printf '%s/resource\0' * | xargs -0 awk '{ print FILENAME, FNR, $3 }'
	find ./*/ -maxdepth 1 -type l -printf '%p %l\n'
	cd "$1"
	find sys/kernel/iommu_groups/*/devices sys/class/net sys/class/block sys/bus/pci/drivers/* \
		sys/class/vfio sys/class/vfio-dev dev/vfio sys/firmware/acpi -type l -printf '%p %l\n' -o \
		-not -type d -printf '%p\n'
	grep -Hs '' sys/class/net/*/flags sys/class/block/*/{dev,size} sys/module/*/parameters/* \
		proc/swaps proc/net/route proc/sys/kernel/osrelease || true
	awk '{ print "address6", $4, $6 }' proc/net/if_inet6
	cut -d ' ' -f 2- proc/1/mountinfo
	grep vendor_id proc/cpuinfo
	grep -H '' sys/kernel/iommu_groups/*/reserved_regions
	sed -n 's/^ .* : /iomem /p' proc/iomem
	find sys/devices/ -path '*/platform/*' -type l -printf '%p %l\n'
	ls sys/module
	# Of processes, those that use a VFIO device.
	for process in proc/[0-9]*; do
		find "$process/fd" -type l -printf "$process $(<"$process/comm") %l\n" | grep vfio || true
		grep -H vfio "$process/maps" | sed 's/:.*anon_inode/ maps anon_inode/' || true
	done
}

# Of ten thousand devices, every reading takes a minute and tells no more than of a thousand.
is_large() { (($(find "$first/sys/bus/pci/devices/" -mindepth 1 | wc -l) > 2000)); }

answers() {
	"$vfiod" --root "$1" --http 127.0.0.1:0 --rpc "ipc://$folder/run/rpc.sock" \
		--events "ipc://$folder/run/events.sock" --state "$folder/state" 2>"$folder/log" &
	daemon=$!
	local tries=400 ask=("$vfioctl" --rpc "ipc://$folder/run/rpc.sock" --timeout 60)
	until "${ask[@]}" -q health 2>/dev/null; do
		if ! kill -0 "$daemon" 2>/dev/null || ((tries-- == 0)); then
			cat "$folder/log"
			exit 1
		fi
		sleep 0.05
	done
	"${ask[@]}" --json list
	"${ask[@]}" --json groups || true
	"${ask[@]}" --json doctor || true
	# A thousand addresses are as many as one question may have.
	"${ask[@]}" -q list | shuf -n 1000 --random-source=<(yes) |
		xargs -r "${ask[@]}" --json validate || true
	kill "$daemon"
	wait "$daemon" || true
	daemon=''
}

if [[ $original == / ]]; then
	first=/
else
	[[ -w /dev/fuse ]] || exit 77
	first=$folder/host.1
	mount_host "$original" "$first"
fi
"$vfioctl" capture --root "$first" --output "$folder/1.host"
if ! is_large; then
	"$vfioctl" capture --root "$first" >"$folder/again.host"
	same 'a capture and the next' "$folder/1.host" "$folder/again.host"
fi
"$simhost" --check "$folder/1.host"
mount_host "$folder/1.host" "$folder/host.2"
"$vfioctl" capture --root "$folder/host.2" --output "$folder/2.host"
same 'the capture of a captured host' <(grep -v '^#' "$folder/1.host") \
	<(grep -v '^#' "$folder/2.host")
if [[ $first != / ]] && ! is_large; then
	files "$first" | sort >"$folder/1.files"
	files "$folder/host.2" | sort >"$folder/2.files"
	[[ -s $folder/1.files ]] || { echo 'there are no files to compare'; exit 1; }
	same 'the files that vfiod reads' "$folder/1.files" "$folder/2.files"
	answers "$first" >"$folder/1.answers"
	answers "$folder/host.2" >"$folder/2.answers"
	same 'what vfiod answers' "$folder/1.answers" "$folder/2.answers"
fi
printf '%s: %d differences\n' "$original" "$failures"
((failures == 0))
