# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the lab takes from Debian's kernel package.

# The modules that the lab's guest may want, as they are named in Debian's kernel package.
readonly kernel_modules=(
	arch/x86 block crypto lib virt fs/ext4 fs/jbd2 fs/fat fs/nls fs/fuse fs/mbcache.ko
	drivers/ata drivers/block drivers/cdrom drivers/char drivers/firmware drivers/hid drivers/i2c/algos
	drivers/i2c/busses drivers/i2c/i2c-smbus.ko drivers/input drivers/md drivers/mfd/lpc_ich
	drivers/mfd/mfd-core drivers/misc drivers/net/bonding
	drivers/net/dummy.ko drivers/net/ethernet/intel drivers/net/macvlan.ko
	drivers/net/net_failover.ko drivers/net/phy drivers/net/virtio_net.ko drivers/nvme drivers/pci
	drivers/ptp drivers/pps drivers/scsi drivers/uio drivers/usb drivers/vfio drivers/dca drivers/virtio
	net/ipv4/inet_diag.ko net/ipv4/tcp_diag.ko net/8021q net/bridge net/802 net/llc net/core net/tls
)

# More of them, for who sets this before a kernel is unpacked.
more_modules=()

# Lists the members of ./linux-image-*.deb that the guest may want.
wanted_members() {
	local IFS='|' release=${1//[.+]/\\&} modules=("${kernel_modules[@]}" "${more_modules[@]}")
	dpkg-deb --fsys-tarfile linux-image-*.deb | tar -t |
		grep -E "^\./(boot/vmlinuz-|(usr/)?lib/modules/$release/(modules\.|kernel/(${modules[*]})))" |
		grep -v '/$'
}

# Modules are below lib up to Debian 12 and below usr/lib since, for the package as for the programs
# that look for them: both names lead to them.
one_modules_folder() {
	if [[ -d kernel/usr/lib ]]; then
		mv kernel/usr/lib kernel/lib
	else
		mkdir kernel/usr
	fi && ln -s ../lib kernel/usr/lib
}

# Unpacks ./linux-image-*.deb into ./kernel: vmlinuz and those members, the modules as they are loaded.
unpack_kernel() {
	wanted_members "$1" >members &&
		mkdir kernel &&
		dpkg-deb --fsys-tarfile linux-image-*.deb | tar -x -C kernel -T members &&
		mv "kernel/boot/vmlinuz-$1" kernel/vmlinuz &&
		rmdir kernel/boot &&
		one_modules_folder &&
		find kernel/lib/modules -name '*.ko.xz' -exec xz -d {} + &&
		PATH=$PATH:/sbin:/usr/sbin depmod -b kernel "$1"
}

# Prints a number of the header that kernel/vmlinuz has for boot loaders. Usage: boot_header OFFSET BYTES
boot_header() {
	od -An -v -t "u$2" -j "$1" -N "$2" kernel/vmlinuz
}

# Takes kernel/vmlinux out of its compressed wrapping, xz in Debian 12 and zstd in 13: boots are
# quicker from it, and as good without. The size of what is unpacked follows it.
unwrap_kernel() {
	local offset length unpack
	offset=$((($(boot_header 497 1) + 1) * 512 + $(boot_header 584 4)))
	length=$(($(boot_header 588 4) - 4))
	tail -c "+$((offset + 1))" kernel/vmlinuz | head -c "$length" >payload
	case $(od -An -t x1 -N 4 payload) in
	' fd 37 7a 58') unpack=xz ;;
	' 28 b5 2f fd') unpack=zstd ;;
	*) return 0 ;;
	esac
	"$unpack" -dc <payload >kernel/vmlinux && rm payload && return
	rm -f kernel/vmlinux
}
