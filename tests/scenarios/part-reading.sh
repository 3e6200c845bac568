# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# Reading devices without changing them. To be sourced by scenarios.sh.

# [rest] REST and `vfioctl doctor` say that a host is ready for passthrough when it is.
host_is_ready() {
	curl -s -o "$body" "$api/api/v1/vfio/host"
	expect '.ready and .iommu_groups > 10 and (.checks | all(.verdict != "FAIL"))'
	vfioctl --rpc "$rpc" doctor >"$body" 2>&1 ||
		fail "vfioctl doctor: $(tail -n 3 "$body" | tr '\n' ' ')"
}

# [rest] REST and RPC list the same devices, and all that sysfs has.
both_faces_list_the_same() {
	local count
	count=$(find "$pci/" -mindepth 1 | wc -l)
	curl -s -o "$body" "$api/api/v1/vfio/devices"
	expect --argjson n "$count" '.devices | length == $n'
	jq -S '[.devices[].address]' <"$body" >"$work/rest"
	ctl list || fail "$(head -c 300 "$body")"
	jq -S '[(.devices? // .)[].address]' <"$body" >"$work/rpc"
	cmp -s "$work/rest" "$work/rpc" || fail "REST and RPC list different devices"
}

# [faces] Name, driver and place of a device agree with sysfs.
device_is_described() {
	must_call info $numa_nic
	expect --arg a $numa_nic --arg g "$(group_of $numa_nic)" '.address == $a and .vendor == "8086" and
		.device == "10d3" and .driver == "e1000e" and .iommu_group == $g and .numa_node == "0"'
	must_call info $lone
	expect '.numa_node == "-1" and .reset_methods == ["pm"] and (.is_bridge | not)'
	must_call info $display
	expect '.boot_vga and .driver == ""'
	must_call info $sriov
	expect '.sriov.total_vfs == 4 and .sriov.num_vfs == 0'
}

# [faces] Without a VFIO driver a device is HOST or DRIVERLESS, and not managed.
states_without_vfio() {
	expect_state $lone HOST
	expect '.managed == false and .original_driver == ""'
	expect_state $shared_edu DRIVERLESS
	expect '.managed == false'
}

# [faces] A group is shown with all its members in numeric order, and bridges are marked.
groups_of_devices() {
	must_call groups $shared_nic $lone
	expect --arg a $lone --arg b $shared_bridge --arg c $shared_nic --arg d $shared_edu \
		'map(.devices) == [[$a], [$b, $c, $d]] and .[1].bridges == [$b]'
	expect '(map(.id | tonumber) | . == sort) and all(.[]; .viable == false)'
}

# [rest] Devices that can be passed through are reported as valid, in the contract's words.
all_is_well_is_said() {
	must_call validate --allow '8086:*' $lone $port_nic
	expect '.valid and .message == "All devices are valid and available for passthrough"'
	must_call validate --allow '10de:*' $lone
	expect --arg m "device $lone (8086:10d3) not in allowlist" '.errors == [$m]'
}

# [faces] Validate names every problem of every device, in the order of the request.
every_problem_is_named() {
	must_call validate --allow '8086:*' $root_port $absent $display $lone nonsense
	expect --arg a $root_port --arg b $absent --arg c $display '
		[.problems[].pci_address] == [$a, $a, $b, $c, $c, "nonsense"] and
		(.problems | map(.reason) | contains(["IS_BRIDGE", "DEVICE_NOT_FOUND", "BOOT_DISPLAY",
			"NOT_ALLOWLISTED", "INVALID_ADDRESS"])) and (.errors | length) == 6'
}

# [faces] A device that is not there is NOT_FOUND, for every operation.
absent_device_is_not_found() {
	local operation
	for operation in info groups paths bind unbind; do
		must_refuse NOT_FOUND/DEVICE_NOT_FOUND $operation $absent
	done
}

# [faces] A malformed address is INVALID_ARGUMENT before any file is read.
malformed_address_is_refused() {
	local address
	for address in 0000:00:20.0 0000:00:03.8 00:3.0 ../../etc/passwd 0000:00:03.0/driver ' '; do
		must_refuse INVALID_ARGUMENT/INVALID_ADDRESS info "$address"
		must_refuse INVALID_ARGUMENT/INVALID_ADDRESS bind "$address"
	done
}

# [faces] Short and capital addresses are accepted; answers have the long form, each device once.
addresses_are_made_canonical() {
	must_call bind --dry-run 00:03.0 0000:00:03.0 00000000:00:03.0
	expect --arg a $lone '.bound_devices == [$a]'
	must_call unbind 00:1F.3
	expect --arg a $chip_smbus '.unbound_devices == [$a]'
}

# [faces] A device on no VFIO driver has no paths, and the answer names its driver.
unbound_device_has_no_paths() {
	must_refuse FAILED_PRECONDITION/NOT_BOUND_TO_VFIO paths $lone
	expect --arg m "device $lone is not bound to vfio-pci (current driver: e1000e)" '.message == $m'
	must_refuse FAILED_PRECONDITION/NOT_BOUND_TO_VFIO paths $shared_edu
	expect --arg m "device $shared_edu has no driver bound" '.message == $m'
}
