# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# shellcheck disable=SC2016,SC2034,SC2086,SC2154
# (Scenarios use what is set here, and set what is used.)
# The simulated host: a simhost and a vfiod of our own, with the programs in $programs. To be
# sourced by scenarios.sh.

programs=${programs:?} hosts=${hosts:?} rounds=${rounds:-10}
serving=''
PATH=$programs:$PATH

ground_begin() {
	work_in "$(mktemp -d)"
	chmod 755 "$work" # for the user that vfiod becomes
	mkdir "$work/host"
	host_at "$work/host"
	rpc=ipc://$work/run/rpc.sock
	user=$(id -un)
	[ "$(id -u)" != 0 ] || user=nobody
	trap ground_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

ground_end() {
	trap - EXIT
	host_down
	rm -rf --one-file-system "$work"
}

# Usage: host_up NAME: the lab's host and what hosts/NAME.host says beside.
host_up() {
	cp "$hosts/lab.host" "$work/host.txt"
	[ "$1" = lab ] || cat "$here/hosts/$1.host" >>"$work/host.txt"
	simhost --foreground "$work/host.txt" "$root" >"$work/simhost.log" 2>&1 3>&- 4<&- &
	echo $! >"$work/simhost.pid"
	eventually test -e "$root/control" || fail "simhost: $(cat "$work/simhost.log")"
	rm -rf "$work/state"
	start_vfiod
}

# Ends the process of a file NAME.pid.
end_process() {
	local pid
	pid=$(cat "$work/$1.pid" 2>/dev/null) || return
	rm -f "$work/$1.pid"
	kill "$pid" 2>/dev/null
	eventually gone "$pid" || kill -KILL "$pid" 2>/dev/null
}

# The daemon first, but it does not wait for writes that only the host's end lets return.
host_down() {
	serving=''
	[ ! -e "$work/vfiod.pid" ] || kill "$(cat "$work/vfiod.pid")" 2>/dev/null
	end_process simhost
	end_process vfiod
	fusermount3 -q -u "$root" 2>/dev/null || true
}

# What the next scenario runs on.
ground_host() {
	if [ "$1" != "$serving" ] || ! answers; then
		host_down
		(host_up "$1") || return
		serving=$1
	fi
	read -r api <"$work/api"
}

ground_reset() { host_down; }

serves() { grep -q 'serving REST on' "$log" || gone "$(cat "$work/vfiod.pid")"; }

# A child of this shell, which may wait for its end.
spawn_vfiod() {
	: >"$log" # not only once the child comes to it: serves() reads it before
	vfiod --http 127.0.0.1:0 --rpc "$rpc" --events "ipc://$work/run/events.sock" --root "$root" \
		--state "$work/state" --user "$user" --sandbox "${sandbox:-kill}" ${options:-} \
		>"$log" 2>&1 3>&- 4<&- &
	echo $! >"$work/vfiod.pid"
}

# In a subshell that ends at once, so that init reaps the daemon whenever it ends.
start_vfiod() {
	(spawn_vfiod)
	vfiod_is_up
}

vfiod_is_up() {
	eventually serves
	api=$(sed -n 's/.*serving REST on \(http:[^ ]*\).*/\1/p' "$log")
	[ -n "$api" ] || fail "vfiod does not start: $(tail -n 1 "$log")"
	echo "$api" >"$work/api"
}

control() { echo "$*" >"$root/control"; }

must_control() { control "$@" 2>/dev/null || fail "the simulated host refused '$*'"; }

enemy_main() {
	local options=''
	while [ "${1#--}" != "$1" ]; do
		options="$options $1"
		shift
	done
	"$programs/../tests/enemy-main" $options "$root" "$work/locks" "$@"
}

# --- who has a device ---------------------------------------------------------------------------

# A VFIO user takes the device, in one of the ways: group, device, mapping, cdev, iommufd. Its
# process is then in $holder.
hold() {
	holder=4242 holder_command=vfio-user held=$2
	must_control hold "$2" "$1" $holder $holder_command
}

# What a virtual machine monitor does; prints the ids that it reads.
use_once() {
	control hold "$1" device 4243 vfio-user 2>/dev/null || return
	must_control release "$1" 4243
	ids_of "$1"
}

# Opens a node of a native driver. Usage: hold_node ADDRESS NODE, which is below /dev
hold_node() {
	holder=4242 holder_command=sleep held=$1
	must_control hold "$1" "/dev/$2" $holder $holder_command
}

let_go() { must_control release "$held" "$holder"; }

# --- what the host itself uses ------------------------------------------------------------------

disk_mounted() { must_control mount "$1" /srv ext4; }
disk_unmounted() { must_control umount /srv; }
swap_on() { must_control swapon "$1"; }
swap_off() { must_control swapoff "$1"; }
net() {
	[ "$2" != address ] || set -- "$@" 192.0.2.1
	must_control net "$@"
}

# Usage: enslave NIC bond|bridge, which are then above it; free it with set_free.
enslave() { net "$1" master "$2"0; }
set_free() { net "$1" no-master; }

load_vfio() { must_control load vfio_pci; }
unload_vfio() { must_control unload vfio_pci; }
load_native() { must_control load "$1"; }
unload_native() { must_control unload "$1"; }

unplug() { must_control vanish "$1"; }
plug_in() { must_control appear "$1"; }

as_stranger() {
	[ "$(id -u)" = 0 ] || skip "to be somebody else, one must be root"
	setpriv --reuid=65533 --regid=65533 --clear-groups -- "$@"
}

daemon_user() { id -u "$user"; }

# What these stand for is in hosts/stacked.host, and always there.
vlan_on() { :; }
vlan_off() { :; }
partition_of() { echo "$1p1"; }
no_partition() { :; }
array_up() { array=md127 member=$sriov; }
array_down() { :; }

loop_up() { :; }
loop_down() { :; }

# The nodes that hosts/standing.host has.
clock_of() { echo ptp0; }
usb_serial_up() { usb_serial=ttyUSB0; }
usb_serial_down() { :; }
usb_input_up() { usb_input=input/event3; }
usb_input_down() { :; }
uio_up() { uio=uio0; }
uio_down() { :; }

read_raw() { net "$1" packet; }
leave_raw() { net "$1" no-packet; }
