#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016
# (In single quotes, $x is a variable of jq.)
# What vfiod must do on a real kernel. Runs as root inside the lab's guest (see tests/lab/run),
# and prints "ok NAME" or "not ok NAME: WHY" for each scenario.
#
# Each scenario is a function that runs in a subshell of its own; `fail` ends it. Those listed
# with "@faces" run twice: with $face set to rest and to rpc.
set -u

# Devices of the lab's machine, as docs/lab.md lists them.
lone=0000:00:03.0 lone2=0000:00:04.0 port_nic=0000:01:00.0 shared_nic=0000:03:01.0
shared_edu=0000:03:02.0 numa_nic=0000:81:00.0 disk=0000:00:06.0 sriov=0000:04:00.0
management=0000:00:02.0 display=0000:00:01.0 root_port=0000:00:07.0 absent=0000:00:1e.0

pci=/sys/bus/pci/devices
api=http://127.0.0.1:8080
body=/tmp/body
log=/tmp/vfiod.log

fail() {
	echo "$*" >&3
	exit 1
}

# Takes a command that must succeed; the rest of the sentence is why it failed.
must() {
	"$@" || fail "'$*' failed"
}

# --- the host ---------------------------------------------------------------------------------

link_name() {
	local target
	target=$(readlink "$1") && echo "${target##*/}"
}

driver_of() { link_name "$pci/$1/driver"; }

group_of() { link_name "$pci/$1/iommu_group"; }

ids_of() {
	local vendor device
	vendor=$(cat "$pci/$1/vendor")
	device=$(cat "$pci/$1/device")
	echo "${vendor#0x}:${device#0x}"
}

expect_driver() {
	[ "$(driver_of "$1")" = "$2" ] || fail "$1 is on driver '$(driver_of "$1")', not '$2'"
}

expect_no_override() {
	[ "$(cat "$pci/$1/driver_override")" = '(null)' ] ||
		fail "$1 keeps driver_override '$(cat "$pci/$1/driver_override")'"
}

# Waits at most 10 s until the command given succeeds.
eventually() {
	local tries=100
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# Everything that a bind and its unbind have to leave as it was.
snapshot() {
	local device attribute
	for device in "$pci"/*; do
		echo "$device driver=$(link_name "$device/driver") group=$(link_name "$device/iommu_group")"
		for attribute in vendor device class revision subsystem_vendor subsystem_device \
			driver_override enable numa_node local_cpulist d3cold_allowed power/control \
			reset_method resource sriov_numvfs sriov_drivers_autoprobe; do
			[ ! -r "$device/$attribute" ] || sed "s|^|  $attribute: |" "$device/$attribute"
		done
	done 2>/dev/null
	ls -d /sys/kernel/iommu_groups/*/devices/* /sys/bus/pci/drivers/*/0*
	find /dev/vfio -exec stat -c '%n %a %u %g' {} +
}

expect_unchanged() {
	snapshot >/tmp/after
	cmp -s "$1" /tmp/after ||
		fail "the host changed: $(diff "$1" /tmp/after | grep '^[-+][^-+]' | head -n 4)"
}

bind_by_hand() {
	/sbin/modprobe vfio-pci
	echo vfio-pci >"$pci/$1/driver_override"
	[ ! -e "$pci/$1/driver" ] || echo "$1" >"$pci/$1/driver/unbind"
	echo "$1" >/sys/bus/pci/drivers/vfio-pci/bind
	expect_driver "$1" vfio-pci
}

# --- the daemon -------------------------------------------------------------------------------

answers() { curl -sf -o /dev/null "$api/healthz"; }

# In a subshell that ends at once, so that init reaps the daemon whenever it ends.
start_vfiod() {
	(
		vfiod >>"$log" 2>&1 3>&- &
		echo $! >/tmp/vfiod.pid
	)
	eventually answers || fail "vfiod does not answer: $(tail -n 1 "$log")"
}

gone() { ! [ -d "/proc/$1" ]; }

# Usage: stop_vfiod SIGNAL
stop_vfiod() {
	local pid
	pid=$(cat /tmp/vfiod.pid)
	kill "-$1" "$pid" || fail "vfiod was not running"
	eventually gone "$pid" || fail "vfiod does not end on SIG$1"
}

restart_vfiod() {
	stop_vfiod "$1"
	start_vfiod
}

# --- its two faces ----------------------------------------------------------------------------

# "a" "b" -> ["a","b"]
json_list() {
	local text='' item
	for item; do
		text="$text${text:+,}\"$item\""
	done
	echo "[$text]"
}

# Usage: post OPERATION JSON; the answer is in $body, its status in $http.
post() {
	http=$(curl -s -m 60 -o "$body" -w '%{http_code}' -H 'Content-Type: application/json' \
		-d "$2" "$api/api/v1/vfio/devices/$1")
}

expect_http() {
	[ "$http" = "$1" ] || fail "HTTP status $http, not $1: $(head -c 300 "$body")"
}

# Takes a jq filter that must be true of the answer.
expect() {
	jq -e "$@" <"$body" >/dev/null || fail "not so: $1: $(head -c 300 "$body")"
}

# Binds or unbinds devices over $face; fails when vfiod does.
# Usage: change bind|unbind ADDRESS...
change() {
	local verb=$1
	shift
	if [ "$face" = rest ]; then
		post "$verb" "{\"pci_addresses\":$(json_list "$@")}"
		[ "$http" = 200 ]
	else
		vfioctl --json "$verb" "$@" >"$body" 2>&1
	fi
}

must_change() { change "$@" || fail "$face: $*: $(head -c 300 "$body")"; }

must_refuse() { ! change "$@" || fail "$face: $* was not refused: $(head -c 300 "$body")"; }

whole_group() {
	if [ "$face" = rest ]; then
		post "$1" "{\"pci_addresses\":[\"$2\"],\"whole_group\":true}"
		expect_http 200
	else
		vfioctl --json "$1" --whole-group "$2" >"$body" 2>&1 || fail "$(head -c 300 "$body")"
	fi
}

# --- scenarios --------------------------------------------------------------------------------

# What one device goes through: described, bound, opened by a user, given back.
round_trip() {
	local device=$1 driver=$2 group ids
	group=$(group_of "$device")
	expect_driver "$device" "$driver"
	must_change bind "$device"
	expect_driver "$device" vfio-pci
	post info "{\"pci_address\":\"$device\"}"
	expect_http 200
	expect --arg d "$driver" '.driver == "vfio-pci" and .original_driver == $d'
	post group-paths "{\"pci_addresses\":[\"$device\"]}"
	expect --arg p "/dev/vfio/$group" '.group_paths == [$p]'
	[ -c "/dev/vfio/$group" ] || fail "there is no /dev/vfio/$group"
	ids=$(/vfio-user "$group" "$device") || fail "a VFIO user could not open $device"
	[ "$ids" = "$(ids_of "$device")" ] || fail "a VFIO user read the ids $ids"
	must_change unbind "$device"
	expect_driver "$device" "$driver"
	expect_no_override "$device"
	[ ! -e "/dev/vfio/$group" ] || fail "/dev/vfio/$group is still there"
}

lone_endpoint() { round_trip $lone e1000e; }

endpoint_behind_port() { round_trip $port_nic e1000e; }

nic_in_shared_group() { round_trip $shared_nic e1000; }

device_on_numa_node() {
	post info "{\"pci_address\":\"$numa_nic\"}"
	expect '.numa_node == "0"'
	round_trip $numa_nic e1000e
}

paths_over_rpc() {
	face=rpc
	must_change bind $lone
	vfioctl --json paths $lone >"$body" 2>&1 || fail "$(head -c 300 "$body")"
	expect --arg p "/dev/vfio/$(group_of $lone)" '.group_paths == [$p]'
	must_change unbind $lone
}

whole_shared_group() {
	whole_group bind $shared_nic
	expect_driver $shared_nic vfio-pci
	expect_driver $shared_edu vfio-pci
	must /vfio-user "$(group_of $shared_nic)" $shared_edu
	whole_group unbind $shared_nic
	expect_driver $shared_nic e1000
	expect_driver $shared_edu ''
	expect_no_override $shared_nic
	expect_no_override $shared_edu
}

groups_of_devices() {
	post iommu-groups "{\"pci_addresses\":[\"$shared_nic\",\"$lone\"]}"
	expect_http 200
	expect --arg a $lone --arg b 0000:02:00.0 --arg c $shared_nic --arg d $shared_edu \
		'map(.devices) == [[$a], [$b, $c, $d]] and .[1].bridges == [$b]'
}

# A driver recorded by one vfiod is given back by the next, however the first one ended.
restart_keeps_drivers() {
	local signal
	for signal in TERM KILL; do
		must_change bind $lone $shared_nic
		restart_vfiod $signal
		expect_driver $lone vfio-pci
		must_change bind $lone
		must_change unbind $lone $shared_nic
		expect_driver $lone e1000e
		expect_driver $shared_nic e1000
	done
}

# Killed at any moment of a bind, the next vfiod finds the device whole and gives it back.
kill_while_binding() {
	local delay
	face=rest
	for delay in 0.05 0.1 0.2 0.3; do
		(post bind "{\"pci_addresses\":[\"$lone\",\"$port_nic\"]}") 2>/dev/null &
		sleep $delay
		restart_vfiod KILL
		wait $! || true
		must_change unbind $lone $port_nic
		expect_driver $lone e1000e
		expect_driver $port_nic e1000e
		expect_no_override $lone
		expect_no_override $port_nic
	done
}

sigterm_exits_zero() {
	local pid status=0
	stop_vfiod TERM
	vfiod >>"$log" 2>&1 &
	pid=$!
	eventually answers || fail "vfiod does not answer"
	kill -TERM $pid
	wait $pid || status=$?
	start_vfiod
	[ $status = 0 ] || fail "exit status $status"
}

impossible_member_changes_nothing() {
	snapshot >/tmp/before
	must_refuse bind $lone $root_port
	expect_unchanged /tmp/before
	must_refuse bind $lone $absent
	expect_unchanged /tmp/before
	must_refuse bind $lone 'not-an-address'
	expect_unchanged /tmp/before
}

impossible_members_are_named() {
	post bind "{\"pci_addresses\":[\"$lone\",\"$root_port\"]}"
	expect_http 400
	expect --arg a $root_port '.status == "FAILED_PRECONDITION" and
		.details[0].pci_address == $a and .details[0].reason == "IS_BRIDGE"'
	post bind "{\"pci_addresses\":[\"$lone\",\"$absent\"]}"
	expect_http 404
	expect --arg a $absent '.status == "NOT_FOUND" and .details[0].pci_address == $a'
}

dry_run_changes_nothing() {
	snapshot >/tmp/before
	post bind "{\"pci_addresses\":[\"$lone\"],\"dry_run\":true}"
	expect_http 200
	expect '.steps | length > 0'
	expect_unchanged /tmp/before
}

hundred_rounds_leave_no_trace() {
	local round=0 files
	must_change bind $lone
	must_change unbind $lone
	snapshot >/tmp/before
	files=$(daemon_files)
	while [ $round -lt 100 ]; do
		must_change bind $lone
		must_change unbind $lone
		round=$((round + 1))
	done
	expect_unchanged /tmp/before
	eventually daemon_has_files "$files" ||
		fail "vfiod's processes and files went from $files to $(daemon_files)"
}

# "PROCESSES FILES": how many vfiod has of each.
daemon_files() {
	local pid processes=0 files=0
	for pid in $(pidof vfiod); do
		processes=$((processes + 1))
		files=$((files + $(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l)))
	done
	echo "$processes $files"
}

# A connection that is still closing makes for a few files more, for a moment.
daemon_has_files() {
	local now
	now=$(daemon_files)
	[ "${now% *}" -le "${1% *}" ] && [ "${now#* }" -le "$((${1#* } + 2))" ]
}

# Prints the processes that have the REST face's listening socket.
listeners() {
	local inode pid fd
	inode=$(awk '$2 ~ /^0100007F:1F90$/ && $4 == "0A" { print $10; exit }' /proc/net/tcp)
	for pid in $(pidof vfiod); do
		for fd in "/proc/$pid/fd"/*; do
			[ "$(readlink "$fd")" != "socket:[$inode]" ] || {
				echo "$pid"
				break
			}
		done
	done
}

parser_has_no_privileges() {
	local pid found='' roots=0 field
	must_change bind $lone
	for pid in $(listeners); do
		found=1
		[ "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$pid/status")" = '990 990 990 990' ] ||
			fail "process $pid runs as $(grep '^Uid:' "/proc/$pid/status")"
		for field in CapInh CapPrm CapEff CapAmb; do
			grep -q "^$field:[[:space:]]*0*$" "/proc/$pid/status" ||
				fail "process $pid has $(grep "^$field:" "/proc/$pid/status")"
		done
		! grep -q '^Groups:.*\<0\>' "/proc/$pid/status" || fail "process $pid is in group root"
	done
	[ -n "$found" ] || fail "no process has the listening socket"
	for pid in $(pidof vfiod); do
		! grep -q '^Uid:[[:space:]]*0[[:space:]]' "/proc/$pid/status" || roots=$((roots + 1))
	done
	[ $roots = 1 ] || fail "$roots processes of vfiod run as root"
	must_change unbind $lone
}

# Usage: refused ADDRESS REASON
refused() {
	post validate "{\"pci_addresses\":[\"$1\"]}"
	expect_http 200
	expect --arg r "$2" '.valid == false and (.problems | any(.reason == $r))'
	post bind "{\"pci_addresses\":[\"$1\"]}"
	expect_http 400
	expect --arg r "$2" --arg a "$1" \
		'.details | any(.reason == $r and .pci_address == $a and .message != "")'
}

management_nic_is_refused() {
	refused $management NIC_IN_USE
	expect_driver $management virtio-pci
}

boot_display_is_refused() { refused $display BOOT_DISPLAY; }

bridge_is_refused() { refused $root_port IS_BRIDGE; }

mounted_disk_is_refused() {
	local node
	node=$(echo "$pci/$disk"/nvme/nvme*/nvme*n1)
	node=/dev/${node##*/}
	mke2fs "$node" >/dev/null
	must mount -t ext4 "$node" /mnt
	(refused $disk DISK_IN_USE)
	set -- $?
	umount /mnt
	[ "$1" = 0 ] || exit 1
	round_trip_of_idle_disk
}

round_trip_of_idle_disk() {
	face=rest
	round_trip $disk nvme
}

all_is_well_is_said() {
	post validate "{\"pci_addresses\":[\"$lone\",\"$port_nic\"],\"allowlist\":[\"8086:*\"]}"
	expect_http 200
	expect '.valid and .message == "All devices are valid and available for passthrough"'
	post validate "{\"pci_addresses\":[\"$lone\"],\"allowlist\":[\"10de:*\"]}"
	expect --arg m "device $lone (8086:10d3) not in allowlist" '.errors == [$m]'
}

# Starts a VFIO user that holds $lone, in the given way; its process is in $holder.
hold() {
	mkfifo /tmp/holding
	/vfio-user "$1" "$(group_of $lone)" ${2:+"$2"} >/tmp/holding 3>&- &
	holder=$!
	grep -q -x holding /tmp/holding || fail "the VFIO user could not hold $lone"
	rm /tmp/holding
}

# Usage: held MODE [ADDRESS]: unbinding is refused at once, naming the holder.
held() {
	local begin
	must_change bind $lone
	hold "$@"
	begin=$(date +%s)
	must_refuse unbind $lone
	[ $(($(date +%s) - begin)) -le 5 ] || fail "the refusal was not at once"
	if [ "$face" = rest ]; then
		expect_http 400
		expect --argjson p "$holder" '.status == "FAILED_PRECONDITION" and
			.details[0].reason == "VFIO_IN_USE" and
			(.details[0].holders | any(.pid == $p and .command == "vfio-user"))'
	else
		grep -q "$holder" "$body" || fail "the refusal does not name $holder: $(head -c 300 "$body")"
	fi
	expect_driver $lone vfio-pci
	kill "$holder"
	wait "$holder"
	must_change unbind $lone
	expect_driver $lone e1000e
}

held_device_is_not_unbound() { held --hold $lone; }

held_group_is_not_unbound() { held --group-only; }

mapped_device_is_not_unbound() { held --map-only $lone; }

foreign_binding_goes_to_native_driver() {
	bind_by_hand $lone2
	must_change unbind $lone2
	expect_driver $lone2 e1000e
	expect_no_override $lone2
}

unbound_device_is_left_alone() {
	must_change unbind $lone2
	expect_driver $lone2 e1000e
	must_change unbind $shared_edu
	expect_driver $shared_edu ''
}

as_alice() { su -s /bin/sh alice -c "$1"; }

stranger_reads_but_does_not_change_over_rest() {
	local curl="curl -s -o /tmp/alice -w %{http_code} -H Content-Type:application/json"
	http=$(as_alice "$curl -d '{\"pci_address\":\"$lone\"}' $api/api/v1/vfio/devices/info")
	[ "$http" = 200 ] || fail "info: HTTP status $http"
	http=$(as_alice "$curl -d '{\"pci_addresses\":[\"$lone\"]}' $api/api/v1/vfio/devices/bind")
	[ "$http" = 403 ] || fail "bind: HTTP status $http"
	jq -e '.status == "PERMISSION_DENIED" and .message != ""' </tmp/alice >/dev/null ||
		fail "bind: $(cat /tmp/alice)"
	rm -f /tmp/alice
	expect_driver $lone e1000e
}

stranger_does_not_change_over_rpc() {
	! as_alice "vfioctl bind $lone" >"$body" 2>&1 || fail "bind was not refused"
	[ -s "$body" ] || fail "bind was refused without a word"
	expect_driver $lone e1000e
}

virtual_functions() {
	local vf
	echo 0 >$pci/$sriov/sriov_drivers_autoprobe
	echo 2 >$pci/$sriov/sriov_numvfs
	vf=$(link_name $pci/$sriov/virtfn0)
	(
		refused $sriov PF_HAS_VFS
		face=rest
		must_change bind "$vf"
		expect_driver "$vf" vfio-pci
		must_change unbind "$vf"
		expect_driver "$vf" ''
	)
	set -- $?
	echo 0 >$pci/$sriov/sriov_numvfs
	echo 1 >$pci/$sriov/sriov_drivers_autoprobe
	[ "$1" = 0 ] || exit 1
}

host_is_ready() {
	curl -s -o "$body" "$api/api/v1/vfio/host"
	expect '.ready and .iommu_groups > 10'
	vfioctl doctor >"$body" 2>&1 || fail "vfioctl doctor: $(tail -n 3 "$body" | tr '\n' ' ')"
}

both_faces_list_the_same() {
	local count
	count=$(find "$pci" -mindepth 1 | wc -l)
	curl -s -o "$body" "$api/api/v1/vfio/devices"
	expect --argjson n "$count" '.devices | length == $n'
	jq -S '[.devices[].address]' <"$body" >/tmp/rest
	vfioctl --json list >"$body" 2>&1 || fail "$(head -c 300 "$body")"
	jq -S '[(.devices? // .)[].address]' <"$body" >/tmp/rpc
	cmp -s /tmp/rest /tmp/rpc || fail "REST and RPC list different devices"
}

# --- running them -----------------------------------------------------------------------------

scenarios='
	host_is_ready both_faces_list_the_same groups_of_devices all_is_well_is_said
	lone_endpoint@faces endpoint_behind_port@faces nic_in_shared_group@faces
	whole_shared_group@faces device_on_numa_node@faces paths_over_rpc
	impossible_member_changes_nothing@faces impossible_members_are_named dry_run_changes_nothing
	management_nic_is_refused boot_display_is_refused bridge_is_refused mounted_disk_is_refused
	virtual_functions
	held_device_is_not_unbound@faces held_group_is_not_unbound@faces
	mapped_device_is_not_unbound@faces
	foreign_binding_goes_to_native_driver@faces unbound_device_is_left_alone@faces
	stranger_reads_but_does_not_change_over_rest stranger_does_not_change_over_rpc
	parser_has_no_privileges@faces restart_keeps_drivers@faces kill_while_binding
	sigterm_exits_zero hundred_rounds_leave_no_trace@faces
'

# Gives back what a failed scenario left, without vfiod, so that the next one starts even.
tidy() {
	local device
	[ -z "${holder:-}" ] || kill "$holder" 2>/dev/null
	rm -f /tmp/holding
	for device in /sys/bus/pci/drivers/vfio-pci/0*; do
		[ -e "$device" ] || continue
		echo "${device##*/}" >/sys/bus/pci/drivers/vfio-pci/unbind
	done
	for device in "$pci"/*; do
		[ "$(cat "$device/driver_override")" = '(null)' ] || echo >"$device/driver_override"
		[ -e "$device/driver" ] || echo "${device##*/}" >/sys/bus/pci/drivers_probe
	done 2>/dev/null
}

# Usage: run_scenario NAME FUNCTION [FACE]
run_scenario() {
	local name=$1 function=$2
	face=${3:-rest}
	answers || start_vfiod 3>/dev/null
	if ("$function") 3>/tmp/why >/tmp/output 2>&1; then
		echo "ok $name"
		return
	fi
	[ -s /tmp/why ] || tail -n 1 /tmp/output >/tmp/why
	echo "not ok $name: $(tr '\n' ' ' </tmp/why)"
	failed=1
	tidy
}

main() {
	local scenario function all
	failed=0
	(start_vfiod) 3>&1 || {
		cat "$log"
		exit 1
	}
	all=$(echo "$scenarios" | tr -s '\n\t' '  ')
	# shellcheck disable=SC2086  # a list of words
	[ $# -gt 0 ] || set -- $all
	for scenario; do
		function=${scenario%@faces}
		case $all in
		*" $function@faces "*)
			run_scenario "$function over REST" "$function" rest
			run_scenario "$function over RPC" "$function" rpc
			;;
		*" $function "*) run_scenario "$function" "$function" ;;
		*) echo "not ok $function: there is no such scenario" && failed=1 ;;
		esac
	done
	[ $failed = 0 ] || sed 's/^/# vfiod: /' "$log" | tail -n 40
	return $failed
}

main "$@"
