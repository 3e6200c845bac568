# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# What stands on a device: whatever it is, its user is found. To be sourced by scenarios.sh.

# Who has a node of the device open is named, until that ends. Usage: node_is_guarded ADDRESS NODE
node_is_guarded() {
	hold_node "$1" "$2"
	(
		refused "$1" NODE_IN_USE
		expect --argjson p "$holder" --arg c "$holder_command" --arg n "/dev/$2" \
			'.details[0].holders == [{pid: $p, command: $c, what: $n}]'
		force_passes "$1" NODE_IN_USE
	)
	set -- $? "$@"
	let_go
	[ "$1" = 0 ] || exit 1
	not_refused "$2"
}

# [faces on standing simulated] A node of a class that nobody thought of is guarded as any other.
node_of_an_invented_class() {
	node_is_guarded 0000:f0:00.0 gizmos/seventh
	round_trip 0000:f0:00.0 invented
}

# [rest on standing simulated] An attacker in the daemon gets no device whose node is open, whatever its class.
taken_over_main_gets_no_node_in_use() {
	hold_node 0000:f0:00.0 gizmos/seventh
	(enemy_refused NODE_IN_USE --no-force unbind 0000:f0:00.0 invented)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
}

# [faces on standing simulated] In a request for many devices each has the users of its own nodes.
nodes_of_many_devices() {
	hold_node 0000:f0:00.0 gizmos/seventh
	(
		must_refuse FAILED_PRECONDITION/NODE_IN_USE bind 0000:f1:00.0 0000:f0:00.0 $lone
		expect '.details | map(.pci_address) == ["0000:f0:00.0"]'
		expect '.details[0].holders | map(.what) == ["/dev/gizmos/seventh"]'
	)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
}

# [faces on standing] A NIC whose clock a program has open, as ptp4l does, is refused, naming the program.
ptp_clock_held_open() {
	node_is_guarded $lone "$(clock_of $lone)"
	round_trip $lone e1000e
}

# [faces on standing] A USB controller with a serial adapter that a program has open is refused.
usb_serial_held_open() {
	usb_serial_up
	(node_is_guarded $usb "$usb_serial")
	set -- $?
	usb_serial_down
	[ "$1" = 0 ] || exit 1
}

# [faces on standing] A USB controller with a keyboard whose events a program reads is refused.
usb_input_held_open() {
	usb_input_up
	(node_is_guarded $usb "$usb_input")
	set -- $?
	usb_input_down
	[ "$1" = 0 ] || exit 1
	round_trip $usb xhci_hcd
}

# [faces on standing] A device on a driver for programs (uio) is refused while a program has it open.
uio_held_open() {
	uio_up $lone2
	(node_is_guarded $lone2 "$uio")
	set -- $?
	uio_down $lone2
	[ "$1" = 0 ] || exit 1
}

# [faces on standing simulated] A GPU with a mediated device is refused; who uses that is named.
mediated_device() {
	refused 0000:f2:00.0 VFIO_IN_USE
	expect '.details[0].resource | contains("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001")'
	hold_node 0000:f2:00.0 vfio/90
	(
		refused 0000:f2:00.0 VFIO_IN_USE
		expect --argjson p "$holder" '.details[0].holders | any(.pid == $p and .what == "/dev/vfio/90")'
		expect '.details[0].message | contains("carries mediated device")'
		force_passes 0000:f2:00.0 VFIO_IN_USE
	)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
}

# [faces on standing simulated] A device that is no bridge is refused for what is behind it, and the chain is told.
device_behind_one_that_is_no_bridge() {
	not_refused 0000:f3:00.0
	disk_mounted nvme7n1
	(
		refused 0000:f3:00.0 DISK_IN_USE
		expect '.details[0].message | contains("disk nvme7n1 on PCI device 10000:e1:00.0, which is mounted")'
		no_force_passes 0000:f3:00.0 DISK_IN_USE
	)
	set -- $?
	disk_unmounted
	[ "$1" = 0 ] || exit 1
	must_call bind 10000:e1:00.0
	refused 0000:f3:00.0 VFIO_IN_USE
	expect '.details[0].message | contains("carries PCI device 10000:e1:00.0, which is bound to vfio-pci")'
	hold device 10000:e1:00.0
	(
		refused 0000:f3:00.0 VFIO_IN_USE
		expect --argjson p "$holder" '.details[0].holders | any(.pid == $p)'
	)
	set -- $?
	let_go
	must_call unbind 10000:e1:00.0
	[ "$1" = 0 ] || exit 1
	not_refused 0000:f3:00.0
}

# [faces on standing simulated] An adapter by which a mounted disk is reached over Fibre Channel is refused.
nvme_over_fibre_channel() {
	not_refused 0000:f4:00.0
	disk_mounted nvme8n1
	(
		refused 0000:f4:00.0 DISK_IN_USE
		expect '.details[0].message | contains("disk nvme8n1 over Fibre Channel, which is mounted")'
		no_force_passes 0000:f4:00.0 DISK_IN_USE
		not_refused 0000:f5:00.0
	)
	set -- $?
	disk_unmounted
	[ "$1" = 0 ] || exit 1
	not_refused 0000:f4:00.0
}

# [rest on standing simulated] An attacker in the daemon gets no device by which others are used.
taken_over_main_gets_nothing_that_carries_others() {
	enemy_refused VFIO_IN_USE --no-force unbind 0000:f2:00.0 nvidia
	disk_mounted nvme7n1
	(enemy_refused DISK_IN_USE unbind 0000:f3:00.0 vmd)
	set -- $?
	disk_unmounted
	[ "$1" = 0 ] || exit 1
	disk_mounted nvme8n1
	(enemy_refused DISK_IN_USE unbind 0000:f4:00.0 lpfc)
	set -- $?
	disk_unmounted
	[ "$1" = 0 ] || exit 1
}

# [faces simulated] A NIC by which a PPPoE session goes out is refused, although it has no address.
nic_with_pppoe() {
	net eth1 up
	net eth1 pppoe
	(
		refused $lone NIC_IN_USE
		expect '.details[0].message | contains("carries a PPPoE session")'
		force_passes $lone NIC_IN_USE
	)
	set -- $?
	net eth1 no-pppoe
	net eth1 down
	[ "$1" = 0 ] || exit 1
	not_refused $lone
}

# [faces] A NIC whose frames a program reads is refused, up or not, until the program ends.
nic_read_raw() {
	local nic
	nic=$(nic_of $lone)
	read_raw "$nic"
	(
		refused $lone NIC_IN_USE
		expect '.details[0].message | contains("packet socket")'
		force_passes $lone NIC_IN_USE
	)
	set -- $?
	leave_raw "$nic"
	[ "$1" = 0 ] || exit 1
	not_refused $lone
}
