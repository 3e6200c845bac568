#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Captures of hosts that are hostile, broken or busy. 
# Usage: trouble.sh VFIOCTL SIMHOST HOSTS ODD-HOST
set -euo pipefail

vfioctl=$1 simhost=$2 hosts=$3 odd=$4
folder=$(mktemp -d)
failures=0

clean_up() {
	umount -l "$folder/host" 2>/dev/null || fusermount3 -uz "$folder/host" 2>/dev/null || true
	rm -rf --one-file-system "$folder"
}
trap clean_up EXIT

fail() {
	printf '%s\n' "$*"
	failures=$((failures + 1))
}

# Usage: has FILE PATTERN, lacks FILE PATTERN
has() { grep -qE -e "$2" "$1" || fail "not in the capture: $2"; }
lacks() { ! grep -E -e "$2" "$1" || fail "in the capture: $2"; }

accepted() { "$simhost" --check "$1" || fail 'simhost does not take the capture'; }

# Usage: device ADDRESS CLASS [PARENT-PATH]
device() {
	local place=$root/sys/devices/pci0000:00/${3:-}$1
	mkdir -p "$place" "$root/sys/bus/pci/devices"
	echo 0x8086 >"$place/vendor"
	echo 0x10d3 >"$place/device"
	echo "$2" >"$place/class"
	echo '(null)' >"$place/driver_override"
	ln -s "../../../devices/pci0000:00/${3:-}$1" "$root/sys/bus/pci/devices/$1"
	echo "$place"
}

# Usage: driver NAME, for devices to link to
driver() { mkdir -p "$root/sys/bus/pci/drivers/$1"; }

capture_hostile() {
	local place interface=$'eth"0\n#evil' secret=52540012abcd
	root=$folder/hostile
	mkdir -p "$root/proc/sys/kernel" "$root/proc/net" "$root/sys/class/net" "$root/sys/class/block"
	echo $'6.1.0-1-amd64' >"$root/proc/sys/kernel/osrelease"
	echo "BOOT_IMAGE=/vmlinuz root=UUID=$secret intel_iommu=on vfio-pci.ids=\"#x pci=noacs" \
		"luks.key=$secret -- iommu=$secret" >"$root/proc/cmdline"
	driver $'bad "driver'
	driver vfio-pci
	driver e1000e
	place=$(device 0000:00:01.0 0x060400)
	echo 255 >"$place/max_link_width"
	echo $'9 "GT/s\nid=' >"$place/max_link_speed"
	place=$(device 0000:00:02.0 0x020000)
	ln -s $'../../../bus/pci/drivers/bad "driver' "$place/driver"
	echo $'nvidia" boot_vga "' >"$place/driver_override"
	echo $'flr" boot_vga "' >"$place/reset_method"
	echo '0x0 0xffffffffffffffff 0x200' >"$place/resource"
	place=$(device 0000:00:03.0 0x020000)
	ln -s '../../../bus/pci/drivers/e1000e' "$place/driver"
	echo '99999999999999999999' >"$place/irq"
	echo '0x00000000fe000000 0x00000000fe0bffff 0x0000000000040200' >"$place/resource"
	mkdir -p "$place/net/$interface" "$place/net/enx$secret"
	ln -s "../../devices/pci0000:00/0000:00:03.0/net/$interface" \
		"$root/sys/class/net/$interface"
	ln -s "../../devices/pci0000:00/0000:00:03.0/net/enx$secret" \
		"$root/sys/class/net/enx$secret"
	echo 0x1003 >"$place/net/enx$secret/flags"
	ln -s '../../../../../virtual/net/br"#' "$place/net/enx$secret/master"
	# Not the bridge that the path pretends, one of another class, and one that is there twice.
	device 0000:00:00.0 0x020000 0000:00:03.0/ >/dev/null
	device 0000:01:00.0 0x000000 0000:00:02.0/ >/dev/null
	ln -s nowhere "$root/sys/bus/pci/devices/0000:00:1f.0"
	"$vfioctl" capture --root "$root" --output "$folder/hostile.host"
	accepted "$folder/hostile.host"
	lacks "$folder/hostile.host" 'evil|boot_vga|bad|GT/s|UUID|luks|irq='
	lacks "$folder/hostile.host" "$secret"
	has "$folder/hostile.host" '^cmdline intel_iommu=on pci=noacs$'
	has "$folder/hostile.host" '^# 0000:00:02.0 is on a driver that is not named here$'
	has "$folder/hostile.host" '^device 0000:00:02.0 .* driver=none'
	has "$folder/hostile.host" '^# 0000:00:02.0: driver_override could not be read'
	has "$folder/hostile.host" '^device 0000:00:03.0 .* driver=e1000e conventional$'
	has "$folder/hostile.host" '^device 0000:01:00.0 .* class=000000 group=none'
	has "$folder/hostile.host" '^# 0000:01:00.0 is behind 0000:00:02.0, which is no PCI bridge$'
	has "$folder/hostile.host" '^# 0000:00:1f.0 left while it was read$'
	has "$folder/hostile.host" '^net net1 device=0000:00:03.0 up master=net0$'
}

# What a stranger need not know.
capture_private() {
	sed -e 's,/mnt/1,/srv/customer,; s,/mnt/2,/home/alice/data,; s/701 process/701 alice-vmm/' \
		-e 's/^kernel .*/&\ncmdline BOOT_IMAGE=\/x root=UUID=1234-abcd intel_iommu=on/' \
		"$odd" >"$folder/private.host"
	mkdir "$folder/host"
	"$simhost" "$folder/private.host" "$folder/host"
	"$vfioctl" capture --root "$folder/host" --output "$folder/public.host"
	umount "$folder/host" 2>/dev/null || fusermount3 -u "$folder/host"
	rmdir "$folder/host"
	accepted "$folder/public.host"
	lacks "$folder/public.host" 'customer|alice|UUID|52:54|192\.0|fd00'
	has "$folder/public.host" '^mount nvme1n1 /mnt/1 xfs$'
	has "$folder/public.host" '^mount sda1 /mnt/2 vfat$'
	has "$folder/public.host" '^mount dm-0 / btrfs$'
	has "$folder/public.host" '^hold 0000:09:00.0 mapping 701 process$'
}

# A device whose unbind waits does not let anybody read its driver_override on this kernel.
capture_pending() {
	sed 's/^kernel .*/kernel 6.1.0/; s/^cdev on//' "$hosts/gpu-server.host" >"$folder/busy.host"
	mkdir "$folder/host"
	"$simhost" "$folder/busy.host" "$folder/host"
	local started=$SECONDS unbind
	echo 0000:93:00.0 >"$folder/host/sys/bus/pci/drivers/vfio-pci/unbind" &
	unbind=$!
	until [[ ! -e $folder/host/sys/bus/pci/devices/0000:93:00.0/driver ]]; do sleep 0.01; done
	timeout 60 "$vfioctl" capture --root "$folder/host" --output "$folder/pending.host"
	echo "release 0000:93:00.0" >"$folder/host/control"
	wait "$unbind"
	accepted "$folder/pending.host"
	has "$folder/pending.host" '^# 0000:93:00.0: driver_override could not be read'
	has "$folder/pending.host" '^device 0000:93:00.0 .* driver=none'
	has "$folder/pending.host" '^hold 0000:93:00.1 (device|group) 4242 qemu-system-x86$'
	has "$folder/pending.host" '^device 0000:a3:00.1 .* driver=snd_hda_intel'
	((SECONDS - started < 60)) || fail 'a pending unbind held the capture up'
}

refusals() {
	! "$vfioctl" capture --root "$folder/nowhere" 2>"$folder/error" || fail 'captured nothing'
	has "$folder/error" "cannot open $folder/nowhere: No such file or directory"
	! "$vfioctl" capture --root "$folder" 2>"$folder/error" || fail 'captured nothing'
	has "$folder/error" 'there is no PCI here'
	! "$vfioctl" capture --root "$folder/hostile" --output "$folder/no/file" 2>"$folder/error" ||
		fail 'wrote nowhere'
	has "$folder/error" "cannot write $folder/no/file: No such file or directory"
	echo kept >"$folder/old"
	! "$vfioctl" capture --root "$folder" --output "$folder/old" 2>/dev/null ||
		fail 'captured nothing'
	has "$folder/old" '^kept$'
}

capture_hostile
refusals
if [[ -w /dev/fuse ]]; then
	capture_private
	capture_pending
fi
((failures == 0))
