# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# shellcheck disable=SC2016,SC2034,SC2086,SC2154
# (The ground sets what is used here, and uses what is set.)
# What scenarios are written in, on whichever ground. To be sourced by scenarios.sh.

# Devices, as docs/lab.md lists them.
lone=0000:00:03.0 lone2=0000:00:04.0 port_nic=0000:01:00.0 shared_nic=0000:03:01.0
shared_edu=0000:03:02.0 numa_nic=0000:81:00.0 disk=0000:00:06.0 sriov=0000:04:00.0
usb=0000:82:00.0
management=0000:00:02.0 display=0000:00:01.0 root_port=0000:00:07.0 absent=0000:00:1e.0
shared_bridge=0000:02:00.0 chip_isa=0000:00:1f.0 chip_ahci=0000:00:1f.2 chip_smbus=0000:00:1f.3

# Sets what follows from where the host's files are: "" or a folder.
host_at() {
	root=$1
	bus=$root/sys/bus/pci
	pci=$bus/devices
}

# Sets what follows from a folder for temporary files.
work_in() {
	work=$1
	body=$work/body log=$work/vfiod.log
}

fail() {
	echo "$*" >&3
	exit 1
}

# For what only some machines can show.
skip() {
	echo "$*" >&3
	exit 77
}

# Takes a command that must succeed; the rest of the sentence is why it failed.
must() {
	"$@" || fail "'$*' failed"
}

# Waits at most 10 s until the command given succeeds.
eventually() {
	local tries=500
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.02
	done
}

# --- the host ---------------------------------------------------------------------------------

link_name() {
	local target
	target=$(readlink "$1") && echo "${target##*/}"
}

driver_of() { link_name "$pci/$1/driver"; }

group_of() { link_name "$pci/$1/iommu_group"; }

node_of() { echo "$root/dev/vfio/$(group_of "$1")"; }

override_of() { cat "$pci/$1/driver_override"; }

ids_of() {
	local vendor device
	vendor=$(cat "$pci/$1/vendor")
	device=$(cat "$pci/$1/device")
	echo "${vendor#0x}:${device#0x}"
}

is_on() { [ "$(driver_of "$1")" = "$2" ]; }

expect_driver() { is_on "$1" "$2" || fail "$1 is on driver '$(driver_of "$1")', not '$2'"; }

expect_override() {
	[ "$(override_of "$1")" = "$2" ] ||
		fail "$1 has driver_override '$(override_of "$1")', not '$2'"
}

expect_no_override() { expect_override "$1" '(null)'; }

# As a device is that vfiod has nothing to do with. Usage: expect_given_back ADDRESS DRIVER
expect_given_back() {
	expect_driver "$1" "$2"
	expect_no_override "$1"
}

# Everything that a bind and its unbind have to leave as it was.
snapshot() {
	local attribute link
	for link in "$pci"/*/driver "$pci"/*/iommu_group; do
		echo "$link $(readlink "$link")"
	done
	for attribute in vendor device class revision subsystem_vendor subsystem_device \
		driver_override enable numa_node local_cpulist d3cold_allowed power/control \
		reset_method resource sriov_numvfs sriov_drivers_autoprobe; do
		grep -sH '' "$pci"/*/$attribute
	done
	ls -d "$root"/sys/kernel/iommu_groups/*/devices/* "$bus"/drivers/*/0*
	find "$root/dev/vfio" -exec stat -c '%n %a %u %g' {} +
}

remember() { snapshot >"$work/before" 2>/dev/null; }

expect_unchanged() {
	snapshot >"$work/after" 2>/dev/null
	[ -s "$work/before" ] || fail "nothing was remembered"
	cmp -s "$work/before" "$work/after" ||
		fail "the host changed: $(diff "$work/before" "$work/after" | grep '^[-+<>]' | head -n 4)"
}

# --- other tools ------------------------------------------------------------------------------

set_override() { echo "$2" >"$pci/$1/driver_override"; }

# To a driver, or to none. Usage: move_by_hand ADDRESS [DRIVER]
move_by_hand() {
	[ ! -e "$pci/$1/driver" ] || echo "$1" >"$pci/$1/driver/unbind"
	[ $# = 1 ] || echo "$1" >"$bus/drivers/$2/bind"
	expect_driver "$1" "${2:-}"
}

bind_by_hand() {
	load_vfio
	set_override "$1" vfio-pci
	move_by_hand "$1" vfio-pci
}

give_back_by_hand() {
	[ ! -e "$pci/$1/driver" ] || echo "$1" >"$pci/$1/driver/unbind"
	echo >"$pci/$1/driver_override"
	echo "$1" >"$bus/drivers_probe"
}

nic_of() {
	set -- "$pci/$1"/net/*
	[ -e "$1" ] || fail "there is no network interface: $1"
	echo "${1##*/}"
}

disk_of() {
	set -- "$pci/$1"/nvme/nvme*/nvme*n1
	[ -e "$1" ] || fail "there is no disk: $1"
	echo "${1##*/}"
}

virtual_functions() { echo "$2" >"$pci/$1/sriov_numvfs"; }

# --- the daemon -------------------------------------------------------------------------------

answers() { curl -sf -o /dev/null "$api/healthz"; }

# Also a process whose parent has not asked for it; its files are closed with its last thread.
gone() {
	[ -d "/proc/$1" ] || return 0
	grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null || return
	set -- "/proc/$1"/task/*
	[ $# = 1 ]
}

# Usage: stop_vfiod SIGNAL
stop_vfiod() {
	local pid
	pid=$(cat "$work/vfiod.pid")
	kill "-$1" "$pid" || fail "vfiod was not running"
	eventually gone "$pid" || fail "vfiod does not end on SIG$1"
}

restart_vfiod() {
	stop_vfiod "$1"
	start_vfiod
}

# The daemon's processes.
vfiod_processes() {
	local pid
	pid=$(cat "$work/vfiod.pid")
	echo "$pid"
	cat "/proc/$pid/task/$pid/children"
}

# --- its two faces ----------------------------------------------------------------------------

# Prints the arguments of a command of vfioctl as the body of the same request over REST.
request() {
	local list='' force='' allow='' rest=''
	while [ $# -gt 0 ]; do
		case $1 in
		--whole-group) rest="$rest,\"whole_group\":true" ;;
		--all-functions) rest="$rest,\"all_functions\":true" ;;
		--dry-run) rest="$rest,\"dry_run\":true" ;;
		--leave-driverless) rest="$rest,\"leave_driverless\":true" ;;
		--node-owner) rest="$rest,\"node_owner\":\"$2\"" && shift ;;
		--node-mode) rest="$rest,\"node_mode\":\"$2\"" && shift ;;
		--force) force="$force${force:+,}\"$2\"" && shift ;;
		--allow) allow="$allow${allow:+,}\"$2\"" && shift ;;
		*) list="$list${list:+,}\"$1\"" ;;
		esac
		shift
	done
	echo "{\"pci_addresses\":[$list]${force:+,\"force\":[$force]}${allow:+,\"allowlist\":[$allow]}$rest}"
}

# Usage: post OPERATION JSON; the answer is in $body, its status in $http.
post() {
	http=$(curl -s -m 60 -o "$body" -w '%{http_code}' -H 'Content-Type: application/json' \
		-d "$2" "$api/api/v1/vfio/devices/$1")
	[ "$http" = 200 ]
}

ctl() { vfioctl --rpc "$rpc" --json "$@" >"$body" 2>&1; }

# Calls an operation over $face; the answer, or the error, is in $body. Fails when vfiod does.
# Usage: call bind|unbind|validate|groups|paths|info [OPTION]... ADDRESS...
call() {
	local operation=$1
	shift
	case $face/$operation in
	rest/info) post info "{\"pci_address\":\"$1\"}" ;;
	rest/groups) post iommu-groups "$(request "$@")" ;;
	rest/paths) post group-paths "$(request "$@")" ;;
	rest/*) post "$operation" "$(request "$@")" ;;
	rpc/groups)
		ctl groups "$@" || return
		jq .groups <"$body" >"$body.groups" && mv "$body.groups" "$body"
		;;
	# Says by its exit status that it was answered no.
	rpc/validate) ctl validate "$@" || grep -q '^{"valid":' "$body" ;;
	rpc/*) ctl "$operation" "$@" ;;
	esac
}

must_call() { call "$@" || fail "$face: $*: $(head -c 300 "$body")"; }

# Usage: must_refuse STATUS[/REASON] OPERATION [OPTION]... ADDRESS...
must_refuse() {
	local what=$1
	shift
	! call "$@" || fail "$face: $* was not refused: $(head -c 300 "$body")"
	expect --arg s "${what%%/*}" '.status == $s and .message != ""'
	[ "$what" = "${what#*/}" ] || expect --arg r "${what#*/}" '.details | any(.reason == $r)'
}

# Takes a jq filter that must be true of the answer.
expect() {
	jq -e "$@" <"$body" >/dev/null || fail "not so: $*: $(head -c 400 "$body")"
}

# Usage: expect_state ADDRESS STATE
expect_state() {
	must_call info "$1"
	expect --arg s "$2" '.state == $s'
}

has_state() {
	call info "$1" && jq -e --arg s "$2" '.state == $s' <"$body" >/dev/null
}

becomes() { eventually has_state "$1" "$2" || fail "$1 does not become $2: $(cat "$body")"; }

# That a device is held by the host, for the reason given: validate says so, bind refuses, dry run
# or not, and nothing changes.
refused() {
	local driver override
	driver=$(driver_of "$1") override=$(override_of "$1")
	must_call validate "$1"
	expect --arg r "$2" '.valid == false and (.problems | any(.reason == $r)) and .errors != []'
	must_refuse "FAILED_PRECONDITION/$2" bind --dry-run "$1"
	must_refuse "FAILED_PRECONDITION/$2" bind "$1"
	expect --arg r "$2" --arg a "$1" \
		'.details | any(.reason == $r and .pci_address == $a and .message != "" and .action != "")'
	expect_driver "$1" "$driver"
	expect_override "$1" "$override"
}

# That a device is free again, without touching it.
not_refused() {
	must_call validate "$1"
	expect .valid
	must_call bind --dry-run "$1"
}

# That forcing REASON alone makes bind take a device that it refuses for it.
force_passes() {
	must_refuse "FAILED_PRECONDITION/$2" bind --dry-run --force "$(other_guard "$2")" "$1"
	must_call bind --dry-run --force "$2" "$1"
	expect '.steps != []'
}

# That nothing that is forced makes bind take a device.
no_force_passes() {
	local driver
	driver=$(driver_of "$1")
	must_refuse "FAILED_PRECONDITION/$2" bind --force BOOT_DISPLAY --force DISK_IN_USE \
		--force NIC_IN_USE --force NODE_IN_USE --force PF_HAS_VFS --force VFIO_IN_USE \
		--force KERNEL_DENYLIST --force NO_INTERRUPT_REMAPPING --force RESERVED_REGION "$1"
	expect --arg r "$2" '.details | any(.reason == $r and (.action | contains("cannot be forced")))'
	expect_driver "$1" "$driver"
}

# That a main that was taken over is refused for REASON. Usage: enemy_refused REASON ARGUMENT...
enemy_refused() {
	local reason=$1 answer
	shift
	! answer=$(enemy_main "$@") || fail "the privileged process did '$*'"
	[ "${answer#refused "$reason": }" != "$answer" ] || fail "'$*' was answered by '$answer'"
}

other_guard() {
	if [ "$1" = NIC_IN_USE ]; then echo DISK_IN_USE; else echo NIC_IN_USE; fi
}
