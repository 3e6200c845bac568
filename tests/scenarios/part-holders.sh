# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# Devices that a VFIO user has open are not taken away. To be sourced by scenarios.sh.

# Usage: held WAY: unbinding what is held is refused at once, naming the holder.
held() {
	local begin
	must_call bind $lone
	hold "$1" $lone
	(
		begin=$(date +%s)
		must_refuse FAILED_PRECONDITION/VFIO_IN_USE unbind $lone
		[ $(($(date +%s) - begin)) -le 5 ] || fail "the refusal was not at once"
		expect --argjson p "$holder" --arg c "$holder_command" \
			'.details[0].holders | any(.pid == $p and .command == $c)'
		must_refuse FAILED_PRECONDITION/VFIO_IN_USE unbind --dry-run $lone
		must_call validate $lone
		expect '.valid == false and (.problems | any(.reason == "VFIO_IN_USE"))'
		expect_state $lone VFIO
		# It is bound, and may stay so.
		must_call bind $lone
		must_call paths $lone
	)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces] A device is not unbound while a user has group and device open; the answer names the user.
user_with_group_and_device() { held device; }

# [faces] A device is not unbound while a user has only its group open, though the kernel would allow it.
user_with_group_only() { held group; }

# [faces] A device is not unbound while a user has only a mapping of it left.
user_with_mapping_only() { held mapping; }

# [faces lab] A device is not unbound while a jail has its group open by a node with another name.
user_in_a_jail() {
	local number
	must_call bind $lone
	number=$(cat "/sys/class/vfio/$(group_of $lone)/dev")
	mkdir /dev/jail
	must mknod /dev/jail/node c "${number%:*}" "${number#*:}"
	hold_node $lone jail/node
	(
		must_refuse FAILED_PRECONDITION/VFIO_IN_USE unbind $lone
		expect --argjson p "$holder" --arg n "/dev/vfio/$(group_of $lone)" \
			'.details[0].holders | any(.pid == $p and .what == $n)'
	)
	set -- $?
	let_go
	rm -r /dev/jail
	[ "$1" = 0 ] || exit 1
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces on cdev simulated] A device is not unbound while a user has its own node open, even without having used it.
user_with_cdev() { held cdev; }

# [faces on cdev simulated] A device is not unbound while a user has it through iommufd.
user_with_iommufd() { held iommufd; }

# [faces on cdev simulated] A bound device has a node of its own where the kernel makes one.
path_of_cdev() {
	must_call bind $lone
	must_call paths $lone
	expect '.devices[0].device_path | startswith("/dev/vfio/devices/vfio")'
	[ -c "$root$(jq -r '.devices[0].device_path' <"$body")" ] || fail "it is not there"
	must_call unbind $lone
}

# [faces] While a user has one member of a group, no other member is unbound.
member_of_a_group_in_use() {
	must_call bind --whole-group $shared_nic
	hold device $shared_edu
	(
		must_refuse FAILED_PRECONDITION/VFIO_IN_USE unbind $shared_nic
		must_refuse FAILED_PRECONDITION/VFIO_IN_USE unbind --whole-group $shared_nic
		expect --arg a $shared_nic --arg b $shared_edu \
			'.details | map(.pci_address) | sort == [$a, $b]'
		expect_driver $shared_nic vfio-pci
		expect_driver $shared_edu vfio-pci
	)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
	must_call unbind --whole-group $shared_nic
	expect_given_back $shared_nic e1000
	expect_given_back $shared_edu ''
}

# [faces] A device in use keeps the others of the same request where they are.
one_in_use_keeps_the_others() {
	must_call bind $lone $lone2
	hold device $lone
	(
		must_refuse FAILED_PRECONDITION/VFIO_IN_USE unbind $lone2 $lone
		expect --arg a $lone '.details | map(.pci_address) == [$a]'
		expect_driver $lone2 vfio-pci
	)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
	must_call unbind $lone $lone2
	expect_given_back $lone e1000e
	expect_given_back $lone2 e1000e
}

# [faces] A user of another device does not prevent a change.
user_of_another_device() {
	must_call bind $lone $lone2
	hold device $lone
	(
		must_call unbind $lone2
		expect_given_back $lone2 e1000e
		must_call bind $lone2
	)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
	must_call unbind $lone $lone2
}

# [faces] A user of a device that another tool bound is found and named too.
user_of_a_foreign_binding() {
	bind_by_hand $lone
	hold device $lone
	(
		must_refuse FAILED_PRECONDITION/VFIO_IN_USE unbind $lone
		expect --argjson p "$holder" '.details[0].holders | any(.pid == $p)'
	)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
	must_call unbind $lone
	expect_given_back $lone e1000e
}
