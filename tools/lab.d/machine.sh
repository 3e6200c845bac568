# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The lab's machine: a host with every case that passing devices through meets. docs/lab.md has
# the table of what the guest's kernel makes of it.

readonly lab_memory=768M

# Prints QEMU's arguments for a guest whose temporary files are in DIR, one a line.
# Usage: machine_arguments DIR
machine_arguments() {
	machine_base
	machine_channels "$1"
	machine_endpoints
	machine_disks "$1"
	machine_behind_ports
	machine_numa
}

# Software emulation alone, the same everywhere. The IOMMU comes before every other device.
machine_base() {
	cat <<-END
		-nodefaults
		-no-user-config
		-display
		none
		-machine
		q35,kernel-irqchip=split,accel=tcg
		-cpu
		qemu64,+rdrand
		-smp
		2
		-m
		$lab_memory
		-device
		intel-iommu,intremap=on,caching-mode=on
	END
}

# The kernel's console for the case that the guest does not come up, and the two ports that
# tools/lab.d/init writes to.
machine_channels() {
	cat <<-END
		-serial
		file:$1/console
		-device
		virtio-serial-pci,addr=5
		-chardev
		file,id=output,path=$1/output
		-device
		virtserialport,chardev=output,name=output
		-chardev
		file,id=status,path=$1/status
		-device
		virtserialport,chardev=status,name=status
	END
}

# On the root bus: the display the firmware starts on, the NIC that carries the guest's network
# (its netdev is the caller's), and two NICs alone in their groups.
machine_endpoints() {
	cat <<-END
		-device
		VGA,addr=1
		-device
		virtio-net-pci,netdev=mgmt,addr=2,romfile=
		-device
		e1000e,addr=3,romfile=
		-device
		e1000e,addr=4,romfile=
	END
}

# A plain disk, to be formatted and mounted, and behind a port one with virtual functions.
machine_disks() {
	cat <<-END
		-drive
		if=none,id=disk,format=raw,file=$1/disk
		-device
		nvme,serial=disk,drive=disk,addr=6
		-device
		pcie-root-port,id=rp3,chassis=3,slot=3,addr=9
		-device
		nvme-subsys,id=sub0
		-device
		nvme,serial=sriov,subsys=sub0,bus=rp3,sriov_max_vfs=4,sriov_vq_flexible=8,sriov_vi_flexible=4,max_ioqpairs=10,msix_qsize=9
		-drive
		if=none,id=namespace,format=raw,file=$1/namespace
		-device
		nvme-ns,drive=namespace,nsid=1
	END
}

# A NIC behind a port, and a conventional bus whose two devices and bridge share one group.
machine_behind_ports() {
	cat <<-END
		-device
		pcie-root-port,id=rp1,chassis=1,slot=1,addr=7
		-device
		e1000e,bus=rp1,romfile=
		-device
		pcie-root-port,id=rp2,chassis=2,slot=2,addr=8
		-device
		pcie-pci-bridge,id=br1,bus=rp2
		-device
		e1000,bus=br1,addr=1,romfile=
		-device
		edu,bus=br1,addr=2
	END
}

# A second host bridge, on NUMA node 0; the devices of the first are on none. Behind a port a USB
# controller with a serial adapter, which leads nowhere, and a keyboard.
machine_numa() {
	cat <<-END
		-object
		memory-backend-ram,id=m0,size=$lab_memory
		-numa
		node,nodeid=0,memdev=m0
		-device
		pxb-pcie,id=pxb,bus_nr=0x80,numa_node=0,addr=0xa
		-device
		pcie-root-port,id=rp4,bus=pxb,chassis=4,slot=4
		-device
		e1000e,bus=rp4,romfile=
		-device
		pcie-root-port,id=rp5,bus=pxb,chassis=5,slot=5,addr=1
		-device
		qemu-xhci,id=xhci,bus=rp5
		-chardev
		null,id=nowhere
		-device
		usb-serial,chardev=nowhere,always-plugged=on,bus=xhci.0,port=1
		-device
		usb-kbd,bus=xhci.0,port=2
	END
}
