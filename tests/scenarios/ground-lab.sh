# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# shellcheck disable=SC2016,SC2034,SC2086,SC2154
# (Scenarios use what is set here, and set what is used.)
# The lab: the guest's own kernel, and a vfiod with its defaults, but that a system call which the
# sandbox does not allow ends it. To be sourced by scenarios.sh.

rounds=${rounds:-100}
api=http://127.0.0.1:8080
rpc=ipc:///run/vfiod/rpc.sock

ground_begin() {
	work_in "$(mktemp -d)"
	chmod 755 "$work"
	host_at ''
}

ground_end() { rm -rf "$work"; }

# There is one host here, which can have what the simulated ones have beside.
ground_host() { answers || (start_vfiod); }

# Gives back what a failed scenario left, without vfiod, so that the next one starts even.
ground_reset() {
	local device
	for pid in $(pidof vfio-user sleep); do kill "$pid" 2>/dev/null; done
	rm -f "$work/holding"
	swapoff -a 2>/dev/null
	umount /mnt 2>/dev/null
	for device in "$bus"/drivers/vfio-pci/0*; do
		[ -e "$device" ] || continue
		echo "${device##*/}" >"$bus/drivers/vfio-pci/unbind"
	done
	for device in "$pci"/*; do
		[ "$(cat "$device/driver_override")" = '(null)' ] || echo >"$device/driver_override"
		[ -e "$device/driver" ] || echo "${device##*/}" >"$bus/drivers_probe"
	done 2>/dev/null
}

# A child of this shell, which may wait for its end. Usage: spawn_vfiod [WRAPPER]...
spawn_vfiod() {
	"$@" vfiod --sandbox "${sandbox:-kill}" ${options:-} >"$log" 2>&1 3>&- 4<&- &
	echo $! >"$work/vfiod.pid"
}

# In a subshell that ends at once, so that init reaps the daemon whenever it ends.
start_vfiod() {
	(spawn_vfiod)
	vfiod_is_up
}

vfiod_is_up() { eventually answers || fail "vfiod does not answer: $(tail -n 1 "$log")"; }

enemy_main() {
	local options=''
	while [ "${1#--}" != "$1" ]; do
		options="$options $1"
		shift
	done
	/enemy-main $options / "$work/locks" "$@"
}

# --- who has a device ---------------------------------------------------------------------------

# A VFIO user takes the device, in one of the ways: group, device, mapping. Its process is then in
# $holder.
hold() {
	local group
	group=$(group_of "$2")
	case $1 in
	group) set -- --group-only "$group" ;;
	device) set -- --hold "$group" "$2" ;;
	mapping) set -- --map-only "$group" "$2" ;;
	*) fail "no user holds a device by $1 here" ;;
	esac
	mkfifo "$work/holding"
	/vfio-user "$@" >"$work/holding" 2>&1 3>&- 4<&- &
	holder=$! holder_command=vfio-user
	grep -q -x holding "$work/holding" || fail "the VFIO user could not have it by $*"
	rm "$work/holding"
}

# What a virtual machine monitor does; prints the ids that it reads.
use_once() { /vfio-user "$(group_of "$1")" "$1"; }

# Opens a node of a native driver. Usage: hold_node ADDRESS NODE, which is below /dev
hold_node() {
	# shellcheck disable=SC2217  # it is not to be read, but held open
	sleep 1000 <"/dev/$2" 3>&- 4<&- &
	holder=$! holder_command=sleep
	eventually has_open "$holder" "/dev/$2" || fail "nobody opened /dev/$2"
}

has_open() { [ "$(readlink "/proc/$1/fd/0")" = "$2" ]; }

let_go() {
	kill "$holder"
	wait "$holder"
	true
}

# --- what the host itself uses ------------------------------------------------------------------

disk_mounted() {
	mke2fs "/dev/$1" >/dev/null
	must mount -t ext4 "/dev/$1" /mnt
}

disk_unmounted() { umount /mnt; }

swap_on() {
	mkswap "/dev/$1" >/dev/null
	must swapon "/dev/$1"
}

swap_off() { swapoff "/dev/$1"; }

# As the simulated host's command of that name.
net() {
	case $2 in
	up | down) must ip link set "$1" "$2" ;;
	address) must ip address add 192.0.2.1/24 dev "$1" ;;
	no-address) ip address del 192.0.2.1/24 dev "$1" ;;
	address6) must ip -6 address add 2001:db8::1/64 dev "$1" ;;
	no-address6) ip -6 address del 2001:db8::1/64 dev "$1" ;;
	esac
}

# Usage: enslave NIC bond|bridge, which are then above it; free it with set_free.
enslave() {
	must ip link set "$1" down
	if [ "$2" = bond ]; then
		/sbin/modprobe bonding max_bonds=0
	else
		/sbin/modprobe bridge
	fi
	must ip link add "${2}0" type "$2"
	must ip link set "$1" master "${2}0"
}

set_free() {
	local above
	above=$(link_name "/sys/class/net/$1/master")
	ip link set "$1" nomaster
	ip link del "$above"
	ip link set "$1" down
}

load_vfio() { /sbin/modprobe vfio-pci; }
unload_vfio() { must /sbin/rmmod vfio_pci; }
load_native() { /sbin/modprobe "$1"; }
unload_native() { must /sbin/rmmod "$1"; }

unplug() { echo 1 >"$pci/$1/remove"; }
plug_in() { echo 1 >"$bus/rescan"; }

# None of the words may have a quote.
as_stranger() {
	local word line=''
	for word; do
		line="$line '$word'"
	done
	su -s /bin/sh alice -c "$line"
}

daemon_user() { id -u vfiod; }

vlan_on() {
	/sbin/modprobe 8021q
	must ip link add link "$1" name vlan7 type vlan id 7
}

vlan_off() { ip link del vlan7; }

# Makes one partition of the disk and prints its name.
partition_of() {
	printf 'o\nn\np\n1\n\n\nw\n' | fdisk "/dev/$1" >/dev/null 2>&1
	eventually test -b "/dev/${1}p1" || fail "/dev/$1 was not partitioned"
	echo "${1}p1"
}

no_partition() {
	dd if=/dev/zero of="/dev/$1" bs=4096 count=1 2>/dev/null
	blockdev --rereadpt "/dev/$1"
}

# An array of one disk: there is no mdadm here, and sysfs will do.
array_up() {
	local name md=/sys/block/md127/md
	array=md127 member=$disk
	name=$(disk_of $disk)
	/sbin/modprobe raid1
	echo $array >/sys/module/md_mod/parameters/new_array
	echo none >$md/metadata_version
	echo raid1 >$md/level
	echo 8192 >$md/component_size
	echo 1 >$md/raid_disks
	cat "/sys/block/$name/dev" >$md/new_dev
	echo 0 >"$md/dev-$name/slot"
	echo active >$md/array_state
	[ "$(link_name "/sys/block/$name/holders/$array")" = $array ] || fail "there is no array"
}

loop_up() {
	/sbin/modprobe loop
	eventually test -b /dev/loop0 || fail "there is no loop device"
	must losetup /dev/loop0 "/dev/$1"
}

loop_down() { losetup -d /dev/loop0; }

array_down() { echo clear >/sys/block/$array/md/array_state; }

# As a ZFS pool has its disks: opened by the kernel for itself, with no holder in sysfs, and no mount
# that the host's own processes see. Here it is the mount of another mount namespace.
claim_disk() {
	mke2fs "/dev/$1" >/dev/null
	mkfifo "$work/holding"
	unshare -m sh -c "mount -t ext4 /dev/$1 /mnt && echo mounted && exec sleep 1000" \
		>"$work/holding" 2>&1 3>&- 4<&- &
	holder=$!
	grep -q -x mounted "$work/holding" || fail "/dev/$1 could not be mounted"
	rm "$work/holding"
}

unclaim_disk() { let_go; }

# A network namespace that ends with its process, and gives back the interfaces.
make_network_namespace() {
	mkfifo "$work/holding"
	unshare -n sh -c 'echo made && exec sleep 1000' >"$work/holding" 2>&1 3>&- 4<&- &
	holder=$!
	grep -q -x made "$work/holding" || fail "there is no network namespace"
	rm "$work/holding"
}

# As in a container.
start_vfiod_in_pid_namespace() {
	local pid
	spawn_vfiod unshare --pid --fork --mount-proc
	vfiod_is_up
	pid=$(cat "$work/vfiod.pid")
	tr -d ' ' <"/proc/$pid/task/$pid/children" >"$work/vfiod.pid"
}

# Starts vfiod as a service with PrivateDevices= and ProtectKernelTunables=, or as a container: its
# /dev has no disk, and its /sys is read-only.
start_blind_vfiod() {
	mkdir "$work/dev"
	spawn_vfiod unshare -m sh -c 'mount --bind /dev "$0" && mount -t tmpfs dev /dev &&
		cp -a "$0/null" "$0/zero" "$0/urandom" /dev &&
		mount -o remount,bind,ro /sys && exec "$@"' \
		"$work/dev"
	vfiod_is_up
	rmdir "$work/dev"
}

# --- nodes of native drivers --------------------------------------------------------------------

# The first node below a folder of the device's. Usage: node_below ADDRESS CLASS, as in uevent
node_below() {
	local entry
	for entry in /sys/class/"$2"/*; do
		case $(readlink -f "$entry") in
		*/"$1"/*) ;;
		*) continue ;;
		esac
		sed -n 's/^DEVNAME=//p' "$entry/uevent" | grep . && return
	done
	return 1
}

clock_of() { node_below "$1" ptp; }

# Usage: eventually_node VARIABLE ADDRESS CLASS
eventually_node() {
	eventually node_below "$2" "$3" >/dev/null || fail "$2 has no node of class $3"
	eval "$1=\$(node_below $2 $3)"
	eventually test -c "/dev/$(node_below "$2" "$3")" || fail "/dev lacks the node"
}

usb_serial_up() {
	/sbin/modprobe xhci-pci
	/sbin/modprobe ftdi_sio
	eventually_node usb_serial $usb tty
}

usb_serial_down() { :; }

usb_input_up() {
	/sbin/modprobe xhci-pci
	/sbin/modprobe usbhid
	/sbin/modprobe hid-generic
	/sbin/modprobe evdev
	eventually_node usb_input $usb input
}

usb_input_down() { :; }

# Gives the device to the driver that lets programs drive it.
uio_up() {
	/sbin/modprobe uio_pci_generic
	echo uio_pci_generic >"$pci/$1/driver_override"
	echo "$1" >"$pci/$1/driver/unbind"
	must sh -c "echo $1 >$bus/drivers_probe"
	eventually_node uio "$1" uio
}

uio_down() {
	echo "$1" >"$pci/$1/driver/unbind"
	echo >"$pci/$1/driver_override"
	echo "$1" >"$bus/drivers_probe"
}

# A client of DHCP reads a NIC's frames while it has no address.
read_raw() {
	net "$1" up
	udhcpc -i "$1" -f -q -t 1000 -s /bin/true >/dev/null 2>&1 3>&- 4<&- &
	holder=$!
	eventually is_read_raw "$(cat "/sys/class/net/$1/ifindex")" || fail "nobody reads $1"
}

is_read_raw() { awk -v i="$1" '$5 == i { found = 1 } END { exit !found }' /proc/net/packet; }

leave_raw() {
	let_go
	net "$1" down
}
