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
