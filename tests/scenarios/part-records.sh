# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# Records: each is of one binding, in one boot. To be sourced by scenarios.sh.

# By another tool, to the same driver.
rebind_by_hand() {
	move_by_hand "$1"
	move_by_hand "$1" vfio-pci
}

expect_foreign() {
	expect_state "$1" VFIO_FOREIGN
	expect '.managed == false and .original_driver == ""'
}

# [faces] A device that another tool has bound anew is no longer vfiod's, also to the same driver.
bound_anew_by_another_tool() {
	must_call bind $lone
	rebind_by_hand $lone
	expect_foreign $lone
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces] The same, when no vfiod ran meanwhile.
bound_anew_while_vfiod_is_down() {
	must_call bind $lone $lone2
	stop_vfiod TERM
	rebind_by_hand $lone
	start_vfiod
	expect_foreign $lone
	expect_state $lone2 VFIO
	expect '.managed and .original_driver == "e1000e"'
	must_call unbind $lone $lone2
	expect_given_back $lone e1000e
	expect_given_back $lone2 e1000e
}

owner_of() { stat -c '%u %a' "$(node_of "$1")"; }

has_owner() { [ "$(owner_of "$1")" = "$2" ]; }

# Has the daemon look at all nodes, as when udev's rules run once more; whoever owned the node of
# the second device before has it again once the daemon has looked.
trigger_nodes() {
	chmod 600 "$(node_of $lone2)"
	eventually has_owner $lone2 "4711 660" || fail "the node of $lone2 is not kept"
}

# [rest] The nodes of a device that was bound anew are not given to the owner of the binding before.
nodes_are_of_one_binding() {
	[ "$(id -u)" = 0 ] || skip "to give nodes away, one must be root"
	must_call bind --node-owner 4711 --node-mode 0660 $lone $lone2
	has_owner $lone "4711 660" || fail "the node is $(owner_of $lone)'s"
	rebind_by_hand $lone
	trigger_nodes
	has_owner $lone "0 600" || fail "the former owner has the node: $(owner_of $lone)"
	restart_vfiod TERM
	trigger_nodes
	has_owner $lone "0 600" || fail "after a restart the former owner has it: $(owner_of $lone)"
	must_call unbind $lone
	rebind_while_down
	must_call unbind $lone $lone2
	expect_given_back $lone e1000e
	expect_given_back $lone2 e1000e
}

rebind_while_down() {
	must_call bind --node-owner 4711 --node-mode 0660 $lone
	stop_vfiod KILL
	rebind_by_hand $lone
	start_vfiod
	trigger_nodes
	has_owner $lone "0 600" || fail "the next vfiod gives it back: $(owner_of $lone)"
}

# [faces] An unbind that fails on its way leaves the devices vfiod's, in a binding made anew.
undone_unbind_stays_managed() {
	must_call bind $lone $lone2
	hold device $lone2
	must_refuse FAILED_PRECONDITION/VFIO_IN_USE unbind $lone $lone2
	let_go
	expect_state $lone VFIO
	expect '.managed and .original_driver == "e1000e"'
	must_call unbind $lone $lone2
	expect_given_back $lone e1000e
	expect_given_back $lone2 e1000e
}

# [faces simulated] The same, when the kernel refuses after one device was given back.
rolled_back_unbind_stays_managed() {
	must_call bind $lone $lone2
	must_control fail unbind 2 EIO
	must_refuse ABORTED/KERNEL_REFUSED unbind $lone $lone2
	expect '.message | endswith("(nothing was changed)")'
	expect_state $lone VFIO
	expect '.managed and .original_driver == "e1000e"'
	restart_vfiod TERM
	expect_state $lone VFIO
	expect '.managed and .original_driver == "e1000e"'
	must_call unbind $lone $lone2
	expect_given_back $lone e1000e
	expect_given_back $lone2 e1000e
}

# [faces simulated] After a reboot no record has an effect on what another tool has bound since.
reboot_ends_records() {
	must_call bind $lone $lone2
	stop_vfiod KILL
	must_control reboot
	bind_by_hand $lone
	start_vfiod
	expect_foreign $lone
	expect_state $lone2 HOST
	expect '.managed == false and .original_driver == ""'
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [rest simulated] After a reboot nobody gets the node that was theirs before.
reboot_ends_wishes() {
	[ "$(id -u)" = 0 ] || skip "to give nodes away, one must be root"
	must_call bind --node-owner 4711 --node-mode 0660 $lone $lone2
	stop_vfiod TERM
	must_control reboot
	bind_by_hand $lone
	start_vfiod
	must_call bind --node-owner 4711 --node-mode 0660 $lone2
	trigger_nodes
	has_owner $lone "0 600" || fail "the owner of the boot before has the node: $(owner_of $lone)"
	must_call unbind $lone $lone2
	expect_given_back $lone e1000e
}

# [faces simulated] Identical cards that swap places over a reboot inherit nothing from each other.
swapped_cards_inherit_nothing() {
	set_override $lone kept_by_a_tool
	must_call bind $lone
	stop_vfiod TERM
	must_control reboot $lone $lone2
	bind_by_hand $lone
	bind_by_hand $lone2
	start_vfiod
	expect_foreign $lone
	expect_foreign $lone2
	must_call unbind $lone $lone2
	expect_given_back $lone e1000e
	expect_given_back $lone2 e1000e
}

# [rest simulated] A change that a reboot has cut off is forgotten: nothing is written for it.
reboot_ends_changes() {
	must_control block unbind $lone
	(post bind "{\"pci_addresses\":[\"$lone\"]}") 2>/dev/null 3>&- 4<&- &
	eventually expect_quietly_driver $lone '' || fail "the bind does not come that far"
	stop_vfiod KILL
	must_control reboot
	bind_by_hand $lone
	start_vfiod
	wait
	grep -q "$lone was cut off by a reboot" "$log" || fail "the log does not tell of it"
	expect_foreign $lone
	expect_override $lone vfio-pci
	must_call unbind $lone
	expect_given_back $lone e1000e
	restart_vfiod TERM
	! grep -q "cut off" "$log" || fail "it is told again"
}

# [faces simulated] An identical card that is plugged in inherits nothing from the one before.
replugged_card_inherits_nothing() {
	must_call bind $lone
	move_by_hand $lone
	stop_vfiod TERM
	unplug $lone
	plug_in $lone
	eventually expect_quietly_driver $lone e1000e
	move_by_hand $lone
	start_vfiod
	expect_state $lone DRIVERLESS
	expect '.managed == false and .original_driver == ""'
	give_back_by_hand $lone
	expect_given_back $lone e1000e
}

# The row of /proc/net/netlink for the socket by which vfiod follows the kernel's events (protocol 15).
event_socket() {
	awk -v pid="$(cat "$work/vfiod.pid")" '$2 == 15 && $3 == pid { print "waiting:" $5, "lost:" $9 }' \
		/proc/net/netlink
}

has_read_events() { [ "$(event_socket)" = 'waiting:0 lost:0' ]; }

# [rest lab] The kernel's events are followed, and read as they come.
kernel_events_are_followed() {
	[ -n "$(event_socket)" ] || fail "vfiod has no socket for the kernel's events"
	must_call bind $lone
	rebind_by_hand $lone
	eventually has_read_events || fail "they are not read: $(event_socket)"
	must_call unbind $lone
	expect_given_back $lone e1000e
	eventually has_read_events || fail "they are not read: $(event_socket)"
}
