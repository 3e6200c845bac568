# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# Binding devices to VFIO and giving them back. To be sourced by scenarios.sh.

# What one device goes through: described, bound, opened by a user, given back.
round_trip() {
	local device=$1 driver=$2 ids
	expect_driver "$device" "$driver"
	must_call bind "$device"
	expect_driver "$device" vfio-pci
	must_call info "$device"
	expect --arg d "$driver" '.driver == "vfio-pci" and .original_driver == $d and .state == "VFIO"'
	must_call paths "$device"
	expect --arg p "/dev/vfio/$(group_of "$device")" '.group_paths == [$p]'
	[ -c "$(node_of "$device")" ] || fail "there is no $(node_of "$device")"
	ids=$(use_once "$device") || fail "a VFIO user could not open $device"
	[ "$ids" = "$(ids_of "$device")" ] || fail "a VFIO user read the ids $ids"
	must_call unbind "$device"
	expect_given_back "$device" "$driver"
	[ ! -e "$(node_of "$device")" ] || fail "$(node_of "$device") is still there"
}

# [faces] An endpoint alone in its group goes to a VFIO user and comes back to its driver.
lone_endpoint() { round_trip $lone e1000e; }

# [faces] An endpoint behind a port goes to a VFIO user and comes back.
endpoint_behind_port() { round_trip $port_nic e1000e; }

# [faces] A device on a NUMA node of its own goes to a VFIO user and comes back.
device_on_numa_node() { round_trip $numa_nic e1000e; }

# [faces] A NIC whose group has a bridge and a driverless device goes to a VFIO user and comes back.
nic_in_shared_group() { round_trip $shared_nic e1000; }

# [faces] A disk that nobody uses goes to a VFIO user and comes back, with its node.
idle_disk() {
	round_trip $disk nvme
	eventually test -e "$pci/$disk"/nvme/nvme*/nvme*n1 || fail "the disk is not back"
}

# [faces] A device without a driver goes to a VFIO user, and has no driver again afterwards.
driverless_device() {
	move_by_hand $shared_nic
	round_trip $shared_edu ''
	give_back_by_hand $shared_nic
}

# [faces] A virtual function goes to a VFIO user and comes back; its physical function does not move.
virtual_function() {
	local vf
	echo 0 >"$pci/$sriov/sriov_drivers_autoprobe"
	virtual_functions $sriov 2
	vf=$(link_name "$pci/$sriov/virtfn0")
	(
		round_trip "$vf" ''
		must_call info "$vf"
		expect --arg a $sriov '.sriov.physical_function == $a'
		expect_driver $sriov nvme
	)
	set -- $?
	virtual_functions $sriov 0
	echo 1 >"$pci/$sriov/sriov_drivers_autoprobe"
	[ "$1" = 0 ] || exit 1
}

# [faces] A virtual function that is removed while bound is NOT_FOUND, and nothing is kept of it.
virtual_function_leaves_while_bound() {
	local vf
	echo 0 >"$pci/$sriov/sriov_drivers_autoprobe"
	virtual_functions $sriov 1
	vf=$(link_name "$pci/$sriov/virtfn0")
	(
		must_call bind "$vf"
		virtual_functions $sriov 0
		must_refuse NOT_FOUND/DEVICE_NOT_FOUND info "$vf"
		must_refuse NOT_FOUND/DEVICE_NOT_FOUND unbind "$vf"
		virtual_functions $sriov 1
		expect_state "$vf" DRIVERLESS
		expect_no_override "$vf"
		must_call bind "$vf"
		must_call unbind "$vf"
		expect_given_back "$vf" ''
	)
	set -- $?
	virtual_functions $sriov 0
	echo 1 >"$pci/$sriov/sriov_drivers_autoprobe"
	[ "$1" = 0 ] || exit 1
}

# [faces] A bound device has its paths: the group's node, sysfs, and the device's own node if any.
paths_of_bound_devices() {
	must_call bind $lone $shared_nic $shared_edu
	must_call paths $shared_nic $lone $shared_edu
	expect --arg a "/dev/vfio/$(group_of $shared_nic)" --arg b "/dev/vfio/$(group_of $lone)" \
		--arg s /sys/bus/pci/devices/$lone '.group_paths == [$a, $b] and
		(.devices | map(.group_path)) == [$a, $b, $a] and .devices[1].sysfs_path == $s'
	must_call unbind $lone $shared_nic $shared_edu
}

# [faces] A bind of a bound device, or unbind of one that is not, changes nothing and answers the same.
repeats_change_nothing() {
	must_call bind $lone
	cp "$body" "$work/first"
	remember
	must_call bind $lone
	expect_unchanged
	[ "$(jq -c .devices <"$body")" = "$(jq -c .devices <"$work/first")" ] ||
		fail "the second answer is another: $(cat "$body")"
	must_call unbind $lone
	cp "$body" "$work/first"
	remember
	must_call unbind $lone
	expect_unchanged
	expect --arg a $lone '.success and .unbound_devices == [$a]'
	expect_given_back $lone e1000e
}

# [faces] Unbind does not touch a device that is on no VFIO driver.
unbound_device_is_left_alone() {
	remember
	must_call unbind $lone2 $shared_edu
	expect --arg a $lone2 --arg b $shared_edu '.unbound_devices == [$a, $b]'
	expect_unchanged
}

# [faces] One request binds devices of four groups, and one gives them back.
many_devices_at_once() {
	remember
	must_call bind $lone $lone2 $port_nic $shared_nic
	for device in $lone $lone2 $port_nic $shared_nic; do
		expect_driver $device vfio-pci
	done
	must_call unbind $lone $lone2 $port_nic $shared_nic
	expect_unchanged
}

# [faces] A dry run changes nothing.
dry_run_changes_nothing() {
	remember
	must_call bind --dry-run $lone $shared_nic
	expect '.steps | length > 0'
	must_call unbind --dry-run $lone
	expect_unchanged
}

# [faces] A bind, and an unbind, does what the dry run answered.
dry_run_is_what_is_done() {
	must_call bind --dry-run $lone $shared_edu
	expect --arg a $lone --arg b $shared_edu '.steps | map([.address, .action, .driver]) == [
		[$a, "set_override", "vfio-pci"], [$a, "unbind", "e1000e"], [$a, "bind", "vfio-pci"],
		[$b, "set_override", "vfio-pci"], [$b, "bind", "vfio-pci"]]'
	jq -c '[.bound_devices, .devices]' <"$body" >"$work/said"
	must_call bind $lone $shared_edu
	jq -c '[.bound_devices, .devices]' <"$body" >"$work/done"
	cmp -s "$work/said" "$work/done" || fail "said $(cat "$work/said"), did $(cat "$work/done")"
	must_call unbind --dry-run $lone $shared_edu
	expect '[.steps[] | select(.action == "unbind")] | length == 2'
	expect '[.steps[] | select(.action == "clear_override")] | length == 2'
	jq -c '[.unbound_devices, .devices]' <"$body" >"$work/said"
	must_call unbind $lone $shared_edu
	jq -c '[.unbound_devices, .devices]' <"$body" >"$work/done"
	cmp -s "$work/said" "$work/done" || fail "said $(cat "$work/said"), did $(cat "$work/done")"
}

# [faces] One impossible device in a request, and nothing of the request is done.
impossible_member_changes_nothing() {
	remember
	must_refuse FAILED_PRECONDITION/IS_BRIDGE bind $lone $root_port
	must_refuse NOT_FOUND/DEVICE_NOT_FOUND bind $lone $absent
	must_refuse INVALID_ARGUMENT/INVALID_ADDRESS bind $lone not-an-address
	expect_unchanged
}

# [faces] A refusal names each impossible device, and no possible one.
impossible_members_are_named() {
	must_refuse FAILED_PRECONDITION bind $display $lone $root_port
	expect --arg a $display --arg b $root_port '.details | map(.pci_address) == [$a, $b]'
}

# [faces] An override that another tool had set is restored exactly when the device is given back.
override_of_another_tool_is_restored() {
	set_override $lone e1000e
	must_call bind $lone
	expect_override $lone vfio-pci
	must_call unbind $lone
	expect_driver $lone e1000e
	expect_override $lone e1000e
	set_override $lone ''
	set_override $shared_edu some-other-driver
	must_call bind $shared_edu
	must_call unbind $shared_edu
	expect_driver $shared_edu ''
	expect_override $shared_edu some-other-driver
	set_override $shared_edu ''
	expect_no_override $shared_edu
}

# [faces] A device that another tool bound is VFIO_FOREIGN, has paths, and goes to its native driver.
foreign_binding_goes_to_native_driver() {
	bind_by_hand $lone2
	expect_state $lone2 VFIO_FOREIGN
	expect '.managed == false'
	must_call paths $lone2
	must_call unbind $lone2
	expect_given_back $lone2 e1000e
	expect_state $lone2 HOST
}

# [faces] An unbind to a driver whose module is gone loads it, or says that no driver took the device.
foreign_binding_without_native_module() {
	bind_by_hand $shared_nic
	unload_native e1000
	(
		must_call unbind $shared_nic
		if [ "$ground" = simulated ]; then
			expect --arg a $shared_nic '.message | contains("no driver took " + $a + ": load")'
			expect_state $shared_nic DRIVERLESS
		else
			expect '.message | contains("no driver") | not'
			expect_driver $shared_nic e1000
		fi
	)
	set -- $?
	load_native e1000
	[ "$1" = 0 ] || exit 1
	must_call unbind $shared_nic
	expect_given_back $shared_nic e1000
}

# [faces] A device that only VFIO's driver takes, by its id, is not reported as given back.
foreign_binding_by_id() {
	load_vfio
	must_call bind $shared_nic
	(
		must_call unbind --leave-driverless $shared_nic
		unload_native e1000
		echo '8086 100e' >"$bus/drivers/vfio-pci/new_id"
		expect_driver $shared_nic vfio-pci
		must_refuse ABORTED/KERNEL_REFUSED unbind $shared_nic
		expect '.details[0].message | contains("by its id")'
		expect_driver $shared_nic vfio-pci
	)
	set -- $?
	echo '8086 100e' >"$bus/drivers/vfio-pci/remove_id"
	load_native e1000
	[ "$1" = 0 ] || exit 1
	must_call unbind $shared_nic
	expect_given_back $shared_nic e1000
}

# [faces] A bind of a device that another tool has bound changes nothing.
foreign_binding_is_bound_already() {
	bind_by_hand $lone2
	remember
	must_call bind $lone2
	expect --arg a $lone2 '.bound_devices == [$a]'
	expect_unchanged
	must_call unbind $lone2
	expect_given_back $lone2 e1000e
}

# [faces] A device that another tool has taken back meanwhile stays with its driver.
taken_back_by_another_tool() {
	must_call bind $lone
	give_back_by_hand $lone
	expect_driver $lone e1000e
	expect_state $lone HOST
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces] A device that another tool took back and bound again still comes to its original driver.
taken_back_and_bound_again() {
	must_call bind $lone
	give_back_by_hand $lone
	bind_by_hand $lone
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces] A device of ours that another tool left driverless is given back, or bound again and then given back.
left_driverless_by_another_tool() {
	must_call bind $lone
	move_by_hand $lone
	expect_state $lone DRIVERLESS
	expect '.managed and .original_driver == "e1000e"'
	must_call unbind $lone
	expect_given_back $lone e1000e
	expect_state $lone HOST
	expect '.managed == false and .original_driver == ""'
	must_call bind $lone
	move_by_hand $lone
	must_call bind $lone
	expect '.devices[0].original_driver == "e1000e"'
	expect_driver $lone vfio-pci
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces] On request a device is given back without a driver, and later with one.
leave_driverless() {
	must_call bind $lone
	must_call unbind --leave-driverless $lone
	expect_driver $lone ''
	expect_state $lone DRIVERLESS
	echo >"$pci/$lone/driver_override"
	echo $lone >"$bus/drivers_probe"
	expect_given_back $lone e1000e
}

# [faces] A device on its own driver cannot be left without one, and says so; one that has none already can.
leave_driverless_on_native_driver() {
	must_refuse FAILED_PRECONDITION/NOT_BOUND_TO_VFIO unbind --leave-driverless $lone
	expect '.details[0].message | contains("e1000e")'
	must_refuse FAILED_PRECONDITION/NOT_BOUND_TO_VFIO unbind --leave-driverless --dry-run $lone
	expect_given_back $lone e1000e
	must_call unbind --leave-driverless $shared_edu
	expect_state $shared_edu DRIVERLESS
}

# [faces] A use count that the native driver left behind does not count as a user.
use_count_left_by_the_native_driver() {
	must_call bind $chip_smbus
	[ "$(cat "$pci/$chip_smbus/enable")" -ge 1 ] || fail "the driver left none"
	must_call validate $chip_smbus
	expect '.problems | all(.reason != "VFIO_IN_USE")'
	must_call unbind $chip_smbus
	expect_given_back $chip_smbus i801_smbus
}

# [faces] All functions of a card are bound at once; a bridge among them is not.
all_functions() {
	must_call bind --all-functions $chip_smbus
	expect --arg a $chip_smbus --arg b $chip_ahci '.devices | map(.address) | sort == [$b, $a]'
	expect_driver $chip_smbus vfio-pci
	expect_driver $chip_ahci vfio-pci
	expect_driver $chip_isa lpc_ich
	must_call unbind --all-functions $chip_smbus
	expect_given_back $chip_smbus i801_smbus
	expect_given_back $chip_ahci ahci
}

# [faces] After many rounds the host is as before, and vfiod has no more processes and files.
many_rounds_leave_no_trace() {
	local round=0 files
	must_call bind $lone
	must_call unbind $lone
	remember
	files=$(daemon_files)
	while [ $round -lt "$rounds" ]; do
		must_call bind $lone
		must_call unbind $lone
		round=$((round + 1))
	done
	expect_unchanged
	eventually daemon_has_files "$files" ||
		fail "vfiod's processes and files went from $files to $(daemon_files)"
}

# "PROCESSES FILES": how many vfiod has of each.
daemon_files() {
	local pid processes=0 files=0
	for pid in $(vfiod_processes); do
		processes=$((processes + 1))
		files=$((files + $(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l)))
	done
	echo "$processes $files"
}

# A connection that is still closing makes for a few files more, for a moment.
daemon_has_files() {
	local now
	now=$(daemon_files)
	[ "${now% *}" -le "${1% *}" ] && [ "${now#* }" -le "$((${1#* } + 2))" ]
}
