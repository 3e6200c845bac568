#!/bin/sh
# SPDX-License-Identifier: MIT
# Asks a host, the lab's guest or the simulated lab.host, how its PCI core answers, and prints one
# line for each question: its name and the answer. probes.expected is what Linux 6.1 says in the
# lab; the simulated host has to say the same.
#
# Usage: probes.sh ROOT ATTR [USER]
#   ROOT  "" for a real kernel, or where a simulated host is mounted
#   ATTR  the program of attr.c
#   USER  the program of tests/lab/vfio-user.c, on a real kernel
set -u

root=$1 attr=$2 user=${3:-}
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
pci=$root/sys/bus/pci
nic=0000:00:03.0 nic2=0000:00:04.0 port=0000:00:07.0 bridge=0000:02:00.0
shared=0000:03:01.0 edu=0000:03:02.0 pf=0000:04:00.0 vf=0000:04:00.1 host_bridge=0000:00:0a.0

say() { printf '%s: %s\n' "$1" "$2"; }

# put NAME FILE TEXT: the answer to a write.
put() { say "$1" "$("$attr" write "$pci/$2" "$3")"; }

# get NAME FILE
get() { say "$1" "$("$attr" read "$pci/$2" 2>/dev/null | tr '\n' ' ' | sed 's/ $//')"; }

# quiet FILE TEXT
quiet() { "$attr" write "$pci/$1" "$2" >/dev/null; }

driver_of() {
	link=$(readlink "$pci/devices/$1/driver") || link=none
	echo "${link##*/}"
}

driver() { say "$1" "$(driver_of "$2")"; }

node() {
	if [ -c "$root/dev/vfio/$2" ]; then say "$1" there; else say "$1" 'not there'; fi
}

there() {
	if [ -e "$pci/$2" ]; then say "$1" there; else say "$1" 'not there'; fi
}

# hold ADDRESS GROUP KIND: somebody uses the device. let_go ADDRESS ends that.
hold() {
	if [ -z "$user" ]; then
		echo "hold $1 $3 4242 vfio-user" >"$root/control"
		return
	fi
	mkfifo "$work/holding"
	case $3 in
	device) "$user" --hold "$2" "$1" >"$work/holding" & ;;
	mapping) "$user" --map-only "$2" "$1" >"$work/holding" & ;;
	group) "$user" --group-only "$2" >"$work/holding" & ;;
	esac
	holder=$!
	grep -q -x holding "$work/holding"
	rm "$work/holding"
}

let_go() {
	if [ -z "$user" ]; then
		echo "release $1" >"$root/control"
	else
		kill "$holder"
		wait "$holder"
	fi
}

load() {
	if [ -z "$user" ]; then
		echo "load vfio_pci" >"$root/control"
	else
		/sbin/modprobe vfio-pci
	fi
}

unload() {
	if [ -z "$user" ]; then
		echo "unload vfio_pci" >"$root/control" 2>/dev/null && echo ok || echo refused
	else
		/sbin/rmmod vfio_pci 2>/dev/null && echo ok || echo refused
	fi
}

# later NAME FILE TEXT: starts a write that has to wait. answered NAME tells whether it ended.
later() {
	rm -f "$work/$1"
	(
		"$attr" write "$pci/$2" "$3" >"$work/$1.new"
		mv "$work/$1.new" "$work/$1"
	) &
}

# later_read NAME FILE: likewise a read.
later_read() {
	rm -f "$work/$1"
	(
		"$attr" read "$pci/$2" | sed 's/^.*[^A-Z].*$/ok/;q' >"$work/$1.new"
		mv "$work/$1.new" "$work/$1"
	) &
}

# reads NAME FILE...: whether all of them answer. A read that waits would hang here.
reads() {
	reads=$1 bad=''
	shift
	for file; do "$attr" read "$pci/$file" >/dev/null 2>&1 || bad="$bad $file"; done
	say "$reads" "${bad:-ok}"
}

# state_of PID: S where it sleeps, D where nothing can end it.
state_of() { sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null; }
is_in_state() { [ "$(state_of "$1")" = "$2" ]; }

answered() {
	if [ -e "$work/$1" ]; then say "$2" "$(cat "$work/$1")"; else say "$2" waits; fi
}

# eventually COMMAND...: until it is true, for ten seconds at most.
eventually() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 500 ] || return
		sleep 0.02
	done
}

gone() { [ ! -e "$1" ] && [ ! -L "$1" ]; }

overrides() {
	d=devices/$nic/driver_override
	get 'override unset' $d
	put 'override of nothing' $d ''
	put 'override set' $d vfio-pci
	get 'override set reads' $d
	put 'override of zero bytes' $d ''
	get 'override of zero bytes reads' $d
	put 'override newline' $d '\n'
	get 'override newline reads' $d
	put 'override two lines' $d 'foo\nbar'
	get 'override two lines reads' $d
	put 'override blanks' $d ' x y '
	get 'override blanks reads' $d
	put 'override NUL inside' $d 'a\0b'
	get 'override NUL inside reads' $d
	put 'override NUL' $d '\0'
	get 'override NUL reads' $d
	put 'override 4094' $d x4094
	put 'override 4095' $d x4095
	put 'override 5000' $d x5000
	driver 'override does not unbind' $nic
	put 'override unknown' $d nosuch
	quiet "devices/$nic/driver/unbind" $nic
	put 'override unknown bind' drivers/e1000e/bind $nic
	put 'override unknown probe' drivers_probe $nic
	driver 'override unknown leaves driverless' $nic
	quiet $d '\n'
	put 'override cleared probe' drivers_probe $nic
	driver 'override cleared driver' $nic
}

bad_texts() {
	for file in drivers/e1000e/unbind drivers/e1000e/bind drivers/nvme/bind drivers_probe; do
		put "$file short" $file 00:03.0
		put "$file blank" $file "$nic "
		put "$file two newlines" $file "$nic\\n\\n"
		put "$file newline" $file '\n'
		put "$file nothing" $file ''
		put "$file capitals" $file 0000:00:1F.2
		put "$file absent" $file 0000:00:99.0
	done
	put 'bind bound' drivers/e1000e/bind $nic
	put 'bind no match' drivers/nvme/bind $nic
	put 'probe bound' drivers_probe $nic
	put 'probe no match' drivers_probe $edu
	put 'unbind wrong driver' drivers/nvme/unbind $nic
	put 'unbind newline after' drivers/e1000e/unbind "$nic\\n"
	put 'unbind unbound' drivers/e1000e/unbind $nic
	put 'unbind by link unbound' devices/$nic/driver/unbind $nic
	put 'bind newline after' drivers/e1000e/bind "$nic\\n"
	driver 'bound again' $nic
}

other_attributes() {
	for text in 0 1 x ''; do put "enable bound '$text'" devices/$nic/enable "$text"; done
	get 'enable bound' devices/$nic/enable
	for text in 0 x 1 2 0 0 0; do put "enable driverless '$text'" devices/$edu/enable "$text"; done
	get 'enable driverless' devices/$edu/enable
	for text in on auto x; do put "power '$text'" devices/$nic/power/control "$text"; done
	for text in pm bus x default; do
		put "reset_method '$text'" devices/$nic/reset_method "$text"
	done
	for text in 0 x; do put "reset '$text'" devices/$nic/reset "$text"; done
	for text in 0 x 1; do put "msi_bus '$text'" devices/$nic/msi_bus "$text"; done
	for text in 0 x 1; do put "d3cold '$text'" devices/$nic/d3cold_allowed "$text"; done
	for text in 0 x 99; do put "numa_node '$text'" devices/$nic2/numa_node "$text"; done
	for text in change xyz ''; do put "uevent '$text'" devices/$nic/uevent "$text"; done
	for text in 0 x ''; do
		put "remove '$text'" devices/$nic/remove "$text"
		put "rescan '$text'" rescan "$text"
	done
	put 'vendor' devices/$nic/vendor 1
	get 'uevent' devices/$nic/uevent
	get 'uevent driverless' devices/$edu/uevent
	get 'class' devices/$nic/class
	get 'modalias' devices/$nic/modalias
	get 'power_state bound' devices/$nic/power_state
	say 'iommu_group' "$(readlink "$pci/devices/$nic/iommu_group")"
	say 'device link' "$(readlink "$pci/devices/$shared")"
	say 'driver link' "$(readlink "$pci/devices/$shared/driver")"
	say 'group device link' "$(readlink "$root/sys/kernel/iommu_groups/13/devices/$edu")"
}

ids() {
	put 'new_id one word' drivers/vfio-pci/new_id 8086
	put 'new_id no hex' drivers/vfio-pci/new_id 'x y'
	put 'new_id of the table' drivers/e1000e/new_id '8086 10d3'
	put 'remove_id of the table' drivers/e1000e/remove_id '8086 10d3'
	put 'new_id' drivers/vfio-pci/new_id '1234 11e8'
	driver 'new_id binds' $edu
	put 'new_id twice' drivers/vfio-pci/new_id '1234 11e8'
	put 'remove_id' drivers/vfio-pci/remove_id '1234 11e8'
	put 'remove_id twice' drivers/vfio-pci/remove_id '1234 11e8'
	driver 'remove_id unbinds nothing' $edu
	put 'remove_id one word' drivers/vfio-pci/remove_id 1234
	quiet drivers/vfio-pci/unbind $edu
	put 'bind without id' drivers/vfio-pci/bind $edu
}

to_vfio() {
	quiet "devices/$1/driver_override" vfio-pci
	quiet "devices/$1/driver/unbind" "$1"
	quiet drivers/vfio-pci/bind "$1"
}

to_native() {
	quiet "devices/$1/driver/unbind" "$1"
	quiet "devices/$1/driver_override" '\n'
	quiet drivers_probe "$1"
}

vfio() {
	to_vfio $nic
	driver 'vfio driver' $nic
	node 'vfio node' 3
	get 'vfio enable' devices/$nic/enable
	get 'vfio power_state' devices/$nic/power_state
	say 'vfio-dev' "$(ls "$pci/devices/$nic/vfio-dev")"
	say 'vfio class link' "$(readlink "$root/sys/class/vfio/3")"
	put 'vfio enable 1' devices/$nic/enable 1
	put 'vfio bind again' drivers/vfio-pci/bind $nic
	put 'vfio bind native' drivers/e1000e/bind $nic
	quiet devices/$nic/driver_override '\n'
	driver 'vfio override cleared' $nic
	quiet devices/$nic/driver/unbind $nic
	node 'vfio node after' 3
	get 'power_state driverless' devices/$nic/power_state
	for device in $port $bridge; do
		quiet "devices/$device/driver_override" vfio-pci
		quiet "devices/$device/driver/unbind" "$device"
		put "vfio of bridge $device" drivers/vfio-pci/bind "$device"
		quiet "devices/$device/driver_override" '\n'
		quiet drivers_probe "$device"
	done
	quiet devices/$host_bridge/driver_override vfio-pci
	put 'vfio of host bridge' drivers/vfio-pci/bind $host_bridge
	to_native $host_bridge
	to_native $nic
	driver 'native again' $nic
}

in_use() {
	to_vfio $nic
	hold $nic 3 device
	get 'held enable' devices/$nic/enable
	get 'held power_state' devices/$nic/power_state
	say 'held unload' "$(unload)"
	later unbind drivers/vfio-pci/unbind $nic
	eventually gone "$pci/devices/$nic/driver"
	later override devices/$nic/driver_override other
	later power devices/$nic/power/control on
	later again drivers/vfio-pci/unbind $nic
	later reset devices/$nic/reset 1
	later_read override_read devices/$nic/driver_override
	later_read uevent_read devices/$nic/uevent
	put 'pending probe' drivers_probe $nic
	put 'pending bind native' drivers/e1000e/bind $nic
	put 'pending enable x' devices/$nic/enable x
	put 'pending uevent' devices/$nic/uevent change
	put 'pending msi_bus' devices/$nic/msi_bus 1
	put 'pending new_id' drivers/e1000e/new_id '1234 9999'
	put 'pending reset x' devices/$nic/reset x
	put 'pending other device' drivers/e1000e/unbind $nic2
	quiet drivers_probe $nic2
	get 'pending vendor' devices/$nic/vendor
	get 'pending enable' devices/$nic/enable
	get 'pending reset_method' devices/$nic/reset_method
	for name in vendor device class subsystem_vendor subsystem_device revision numa_node enable \
		power_state power/control power/runtime_status resource irq reset_method \
		local_cpulist modalias d3cold_allowed iommu_group/type; do
		reads "pending read of $name" devices/$nic/$name
	done
	node 'pending node' 3
	there 'pending vfio-dev' devices/$nic/vfio-dev
	there 'pending driver folder' drivers/vfio-pci/$nic
	waiting='unbind override power again reset override_read uevent_read'
	for name in $waiting; do answered "$name" "pending $name"; done
	let_go $nic
	for name in $waiting; do
		eventually test -e "$work/$name"
		answered "$name" "after $name"
	done
	node 'after node' 3
	get 'after override reads' devices/$nic/driver_override
	to_vfio $nic
	hold $nic 3 mapping
	get 'mapped enable' devices/$nic/enable
	later unbind drivers/vfio-pci/unbind $nic
	eventually gone "$pci/devices/$nic/driver"
	answered unbind 'mapped unbind'
	let_go $nic
	eventually test -e "$work/unbind"
	answered unbind 'mapped unbind after'
	to_vfio $nic
	hold $nic 3 group
	get 'group only enable' devices/$nic/enable
	put 'group only unbind' drivers/vfio-pci/unbind $nic
	node 'group only node' 3
	quiet devices/$nic/driver_override '\n'
	put 'group only native bind' drivers/e1000e/bind $nic
	let_go $nic
	driver 'group only driver' $nic
}

# A writer that is killed stays, and its write has its effect when the user lets go.
killed_writer() {
	to_vfio $nic
	hold $nic 3 device
	"$attr" write "$pci/drivers/vfio-pci/unbind" $nic >"$work/killed" &
	writer=$!
	eventually gone "$pci/devices/$nic/driver"
	kill -9 $writer
	eventually is_in_state $writer D
	say 'killed writer' "$(state_of $writer)"
	node 'killed writer node' 3
	let_go $nic
	wait $writer 2>/dev/null
	node 'killed writer node after' 3
	quiet devices/$nic/driver_override '\n'
	put 'killed writer native bind' drivers/e1000e/bind $nic
}

removal_in_use() {
	to_vfio $nic
	hold $nic 3 device
	later remove devices/$nic/remove 1
	eventually gone "$pci/devices/$nic/driver"
	later rescan rescan 1
	put 'removal in use, another unbind' drivers/e1000e/unbind $nic2
	quiet drivers_probe $nic2
	there 'removal in use, device' devices/$nic
	for name in remove rescan; do answered $name "removal in use, $name"; done
	let_go $nic
	for name in remove rescan; do
		eventually test -e "$work/$name"
		answered $name "removal after use, $name"
	done
	driver 'removal after use, driver' $nic
}

# A second user of a group that one has open.
second_user() {
	if [ -z "$user" ]; then
		(echo "hold $1 $3 4243 other" >"$root/control") 2>/dev/null
	else
		"$user" "$2" "$1" >/dev/null 2>&1
	fi && echo ok || echo refused
}

shared_group() {
	to_vfio $edu
	say 'group not viable, a user' "$(second_user $edu 13 device)"
	quiet devices/$shared/driver/unbind $shared
	hold $edu 13 group
	say 'open group, second user' "$(second_user $edu 13 device)"
	put 'open group, native bind' drivers/e1000/bind $shared
	driver 'open group, native driver' $shared
	quiet devices/$shared/driver/unbind $shared
	let_go $edu
	hold $edu 13 device
	put 'owned native bind' drivers/e1000/bind $shared
	put 'owned probe' drivers_probe $shared
	driver 'owned driver' $shared
	quiet devices/$shared/driver_override vfio-pci
	put 'owned vfio bind' drivers/vfio-pci/bind $shared
	put 'owned vfio unbind' drivers/vfio-pci/unbind $shared
	quiet devices/$shared/driver_override '\n'
	let_go $edu
	put 'disowned native bind' drivers/e1000/bind $shared
	to_native $edu
}

sriov() {
	n=devices/$pf/sriov_numvfs
	for text in 5 65535 65536 -1 x 2x ''; do put "numvfs '$text'" $n "$text"; done
	put 'numvfs 2' $n 2
	driver 'virtual function driver' $vf
	say 'virtfn0' "$(readlink "$pci/devices/$pf/virtfn0")"
	say 'physfn' "$(readlink "$pci/devices/$vf/physfn")"
	there 'virtual function remove' devices/$vf/remove
	put 'numvfs 3' $n 3
	put 'numvfs 2 again' $n 2
	quiet devices/$pf/driver_override vfio-pci
	quiet devices/$pf/driver/unbind $pf
	put 'trapped bind' drivers/vfio-pci/bind $pf
	put 'trapped numvfs 0' $n 0
	get 'trapped numvfs' $n
	quiet devices/$pf/driver_override '\n'
	quiet drivers/nvme/bind $pf
	put 'numvfs 0' $n 0
	there 'virtual function gone' devices/$vf
	put 'autoprobe x' devices/$pf/sriov_drivers_autoprobe x
	put 'autoprobe 0' devices/$pf/sriov_drivers_autoprobe 0
	quiet $n 1
	driver 'without autoprobe' $vf
	put 'without autoprobe bind' drivers/nvme/bind $vf
	put 'without autoprobe probe' drivers_probe $vf
	driver 'without autoprobe still' $vf
	quiet devices/$vf/driver_override nvme
	put 'without autoprobe override bind' drivers/nvme/bind $vf
	quiet $n 0
	quiet devices/$pf/sriov_drivers_autoprobe 1
	to_vfio $pf
	put 'vfio numvfs 1' $n 1
	put 'vfio numvfs 0' $n 0
	put 'vfio numvfs 9' $n 9
	quiet devices/$pf/driver/unbind $pf
	put 'driverless numvfs 1' $n 1
	to_native $pf
}

# vfio-pci makes virtual functions where its module is told to, and keeps them.
vfio_sriov() {
	n=devices/$pf/sriov_numvfs enable=../../module/vfio_pci/parameters/enable_sriov
	get 'enable_sriov' $enable
	for text in x '' 1; do put "enable_sriov '$text'" $enable "$text"; done
	get 'enable_sriov set' $enable
	to_vfio $pf
	put 'vfio-pci numvfs 1' $n 1
	driver 'vfio-pci virtual function' $vf
	get 'vfio-pci virtual function override' devices/$vf/driver_override
	put 'vfio-pci unbind with functions' drivers/vfio-pci/unbind $pf
	there 'vfio-pci virtual function after' devices/$vf
	quiet $enable 0
	to_vfio $pf
	hold $pf 14 device
	later unbind drivers/vfio-pci/unbind $pf
	eventually gone "$pci/devices/$pf/driver"
	later_read numvfs_read $n
	later numvfs $n 1
	put 'pending numvfs x' $n x
	put 'pending numvfs 9' $n 9
	for name in sriov_totalvfs sriov_offset sriov_stride sriov_vf_device \
		sriov_drivers_autoprobe; do
		reads "pending read of $name" devices/$pf/$name
	done
	for name in unbind numvfs numvfs_read; do answered $name "pending, $name"; done
	let_go $pf
	for name in unbind numvfs numvfs_read; do
		eventually test -e "$work/$name"
		answered $name "pending after, $name"
	done
	to_native $pf
	driver 'vfio-pci gave back' $pf
}

removal() {
	quiet devices/$nic/driver_override abc
	exec 7<"$pci/devices/$nic/vendor" 8>"$pci/devices/$nic/driver_override"
	cd "$pci/devices/$nic" || exit
	put 'remove' devices/$nic/remove 1
	there 'removed' devices/$nic
	if cat <&7 >/dev/null 2>&1; then say 'removed read' ok; else say 'removed read' refused; fi
	if (echo x >&8) 2>/dev/null; then say 'removed write' ok; else say 'removed write' refused; fi
	exec 7<&- 8>&-
	put 'rescan' rescan 1
	driver 'rescanned' $nic
	say 'kept folder' "$("$attr" read vendor)"
	say 'kept folder driver' "$("$attr" write driver/unbind $nic)"
	cd / || exit
	get 'rescanned override' devices/$nic/driver_override
	put 'remove port' devices/$port/remove 1
	there 'removed behind port' devices/0000:01:00.0
	quiet rescan 1
	driver 'rescanned behind port' 0000:01:00.0
	for text in x 0; do put "drivers_autoprobe '$text'" drivers_autoprobe "$text"; done
	quiet devices/$nic/remove 1
	quiet rescan 1
	driver 'rescanned without autoprobe' $nic
	put 'drivers_autoprobe 1' drivers_autoprobe 1
	quiet drivers_probe $nic
}

# The events of what is done here, in their order, with all that they say.
events() {
	source=$root/dev/uevent
	[ -z "$user" ] || source=netlink
	"$attr" events "$source" "change@/devices/pci0000:00/$nic2" >"$work/events" &
	listener=$!
	eventually grep -q -x listening "$work/events"
	to_vfio $nic
	quiet drivers/e1000e/bind $nic
	to_native $nic
	quiet devices/$pf/sriov_numvfs 1
	quiet devices/$pf/sriov_numvfs 0
	quiet devices/$edu/remove 1
	quiet rescan 1
	quiet devices/$nic2/uevent change
	wait $listener
	sed 's/^/event: /' "$work/events"
}

modules() {
	to_vfio $nic
	say 'unload' "$(unload)"
	driver 'unloaded' $nic
	put 'unloaded bind' drivers/vfio-pci/bind $nic
	put 'unloaded probe' drivers_probe $nic
	driver 'unloaded still' $nic
	put 'no autoprobe' drivers_autoprobe 0
	load
	driver 'loaded without autoprobe' $nic
	unload >"$work/unload"
	quiet drivers_autoprobe 1
	load
	driver 'loaded grabs' $nic
	to_native $nic
}

load
overrides
bad_texts
other_attributes
ids
vfio
in_use
killed_writer
removal_in_use
shared_group
sriov
vfio_sriov
removal
events
modules
