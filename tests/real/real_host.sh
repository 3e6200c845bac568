#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Starts vfiod on this machine's own /sys, asks it questions that change nothing, and compares each
# answer with what /sys says. Usage: real_host.sh VFIOD
set -euo pipefail

{ command -v curl && command -v jq; } >/dev/null || { echo "skipped: it asks by curl and jq" && exit 77; }

vfiod=$1
pci=/sys/bus/pci/devices
folder=$(mktemp -d)
daemon=''
failures=0

clean_up() {
	[[ -z $daemon ]] || kill "$daemon" 2>/dev/null || true
	rm -rf "$folder"
}
trap clean_up EXIT

# Usage: same WHAT EXPECTED GOT
same() {
	[[ $2 == "$3" ]] && return
	printf 'not so: %s is "%s", vfiod says "%s"\n' "$@"
	failures=$((failures + 1))
}

link_name() {
	local target
	target=$(readlink "$1") || return 0
	printf '%s' "${target##*/}"
}

attribute() { cat "$pci/$1/$2"; }

# What no question may change.
snapshot() {
	local device
	for device in "$pci"/*; do
		printf '%s %s %s\n' "$device" "$(link_name "$device/driver")" \
			"$(cat "$device/driver_override" 2>/dev/null)"
	done
}

start() {
	chmod 755 "$folder"
	# Of a real host vfiod insists on its user, whom a builder need not have.
	"$vfiod" --user nobody --http 127.0.0.1:0 --rpc "ipc://$folder/run/rpc.sock" \
		--events "ipc://$folder/run/events.sock" --state "$folder/state" 2>"$folder/log" &
	daemon=$!
	local tries=200
	until url=$(sed -n 's/.*serving REST on \(http:[^ ]*\).*/\1/p' "$folder/log") && [[ $url ]]; do
		if ! kill -0 "$daemon" 2>/dev/null || ((tries-- == 0)); then
			cat "$folder/log"
			exit 1
		fi
		sleep 0.05
	done
	api=$url/api/v1/vfio
}

# Usage: ask OPERATION JSON
ask() {
	curl -sS --max-time 20 -H 'Content-Type: application/json' -d "$2" "$api/devices/$1"
}

check_info() {
	local device=$1 answer class
	answer=$(ask info "{\"pci_address\":\"$device\"}")
	field() { jq -r "$1" <<<"$answer"; }
	class=$(attribute "$device" class)
	same "vendor of $device" "$(attribute "$device" vendor)" "0x$(field .vendor)"
	same "device of $device" "$(attribute "$device" device)" "0x$(field .device)"
	same "class of $device" "$class" "0x$(field .class)"
	same "driver of $device" "$(link_name "$pci/$device/driver")" "$(field .driver)"
	same "group of $device" "$(link_name "$pci/$device/iommu_group")" "$(field .iommu_group)"
	same "NUMA node of $device" "$(attribute "$device" numa_node)" "$(field .numa_node)"
	same "bridgehood of $device" "$([[ $class == 0x06* ]] && echo true || echo false)" \
		"$(field .is_bridge)"
}

check_group() {
	local device=$1 group answer members
	group=$(link_name "$pci/$device/iommu_group")
	answer=$(ask iommu-groups "{\"pci_addresses\":[\"$device\"]}")
	if [[ -z $group ]]; then
		same "group error of $device" \
			"device $device has no IOMMU group (IOMMU may not be enabled)" \
			"$(jq -r .error <<<"$answer")"
		return
	fi
	members=$(cd "/sys/kernel/iommu_groups/$group/devices" && printf '%s\n' * | sort)
	same "members of group $group" "$members" "$(jq -r '.[0].devices[]' <<<"$answer")"
}

# Whether validate finds that reason for the device.
finds() {
	ask validate "{\"pci_addresses\":[\"$1\"]}" |
		jq --arg reason "$2" 'any(.problems[]; .reason == $reason)'
}

# The PCI function a device path of /sys hangs on.
behind() { realpath "$1" | grep -oE '[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]' | tail -n 1; }

check_use() {
	local device root nic
	for device in "${devices[@]}"; do
		same "bridge refused: $device" \
			"$([[ $(attribute "$device" class) == 0x06* ]] && echo true || echo false)" \
			"$(finds "$device" IS_BRIDGE)"
	done
	root=$(findmnt -n -o MAJ:MIN /) && device=$(behind "/sys/dev/block/${root// /}") &&
		[[ $device ]] && same "root disk $device refused" true "$(finds "$device" DISK_IN_USE)"
	nic=$(awk '$2 == "00000000" { print $1; exit }' /proc/net/route)
	[[ $nic ]] && device=$(behind "/sys/class/net/$nic") && [[ $device ]] &&
		same "default route's $device refused" true "$(finds "$device" NIC_IN_USE)"
	return 0
}

check_list() {
	same 'the list' "$(printf '%s\n' "${devices[@]}")" \
		"$(curl -sS "$api/devices?page_size=10000" | jq -r '.devices[].address')"
}

check_host() {
	local answer groups
	answer=$(curl -sS "$api/host")
	groups=$(find /sys/kernel/iommu_groups -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)
	same 'number of groups' "$groups" "$(jq .iommu_groups <<<"$answer")"
	same 'number of devices' "${#devices[@]}" "$(jq .devices <<<"$answer")"
	same 'kernel' "$(uname -r)" "$(jq -r .kernel <<<"$answer")"
	same 'verdict on the IOMMU' "$( ((groups)) && echo PASS || echo FAIL)" \
		"$(jq -r '.checks[] | select(.name == "iommu").verdict' <<<"$answer")"
}

[[ -d $pci ]] || {
	echo 'this machine has no PCI devices to compare'
	exit 0
}
mapfile -t devices < <(cd "$pci" && printf '%s\n' * | sort)
before=$(snapshot)
start
check_list
check_host
for each in "${devices[@]}"; do
	check_info "$each"
	check_group "$each"
done
check_use
same 'the host afterwards' "$before" "$(snapshot)"
kill "$daemon"
status=0
wait "$daemon" || status=$?
daemon=''
same 'exit status' 0 "$status"
echo "${#devices[@]} devices compared, $failures differences"
((failures == 0))
