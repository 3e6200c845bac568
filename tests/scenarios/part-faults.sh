# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# Drivers and devices that appear, disappear and fail. To be sourced by scenarios.sh.

# [faces lab] When vfio-pci is not loaded, the first bind loads it.
first_bind_loads_the_driver() {
	load_vfio
	unload_vfio
	[ ! -e "$bus/drivers/vfio-pci" ] || fail "vfio-pci is still there"
	must_call bind $lone
	expect_driver $lone vfio-pci
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces simulated] When vfio-pci is not loaded and cannot be, bind says so and changes nothing.
driver_that_cannot_be_loaded() {
	unload_vfio
	remember
	must_refuse FAILED_PRECONDITION bind $lone
	expect '.message | contains("modprobe vfio-pci")'
	expect_unchanged
	load_vfio
	must_call bind $lone
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces] After rmmod of vfio-pci a bound device is still vfiod's to give back; after modprobe it is bound by another.
driver_reloaded_under_bound_device() {
	must_call bind $lone
	unload_vfio
	expect_driver $lone ''
	expect_state $lone DRIVERLESS
	expect '.managed and .original_driver == "e1000e"'
	load_vfio
	expect_driver $lone vfio-pci
	expect_state $lone VFIO_FOREIGN
	expect '.managed == false and .original_driver == ""'
	must_call unbind $lone
	expect_given_back $lone e1000e
	must_call bind $lone
	unload_vfio
	must_call unbind $lone
	expect '.devices[0] | .original_driver == "e1000e" and .driver == "e1000e"'
	expect_given_back $lone e1000e
	load_vfio
	expect_state $lone HOST
}

# [faces] vfiod leaves no override behind; one would take effect when vfio-pci is loaded.
no_override_is_left_behind() {
	must_call bind $lone $shared_edu
	must_call unbind $lone
	must_call unbind --leave-driverless $shared_edu
	unload_vfio
	load_vfio
	expect_driver $lone e1000e
	expect_driver $shared_edu ''
	expect_no_override $lone
	must_call unbind $shared_edu
	expect_no_override $shared_edu
}

# [faces] A bound device that is pulled is NOT_FOUND; plugged in again, it is the host's and can be bound.
unplugged_while_bound() {
	must_call bind $lone
	unplug $lone
	must_refuse NOT_FOUND/DEVICE_NOT_FOUND info $lone
	must_refuse NOT_FOUND/DEVICE_NOT_FOUND unbind $lone
	plug_in $lone
	eventually is_on $lone e1000e || fail "it did not come back"
	expect_state $lone HOST
	round_trip $lone e1000e
}

# [faces] A device plugged in while vfiod runs is listed, described and bound.
plugged_in_while_running() {
	unplug $lone2
	must_refuse NOT_FOUND bind $lone2
	plug_in $lone2
	eventually is_on $lone2 e1000e || fail "it did not come back"
	round_trip $lone2 e1000e
}

# [faces simulated] Whichever write of a bind fails, the device is rolled back and the kernel's error is reported.
failing_writes_are_undone() {
	local attribute
	for attribute in driver_override unbind bind; do
		remember
		must_control fail $attribute 1 EIO $lone
		! call bind $lone || fail "$attribute failed, and bind succeeded"
		expect '.status == "ABORTED" and (.message | contains("Input/output error"))'
		expect_unchanged
	done
}

# [faces simulated] Whichever write of an unbind fails, the device is rolled back.
failing_writes_of_unbind_are_undone() {
	local attribute
	must_call bind $lone
	for attribute in driver_override unbind; do
		must_control fail $attribute 1 EIO $lone
		! call unbind $lone || fail "$attribute failed, and unbind succeeded"
		expect '.status == "ABORTED"'
		expect_driver $lone vfio-pci
		expect_state $lone VFIO
	done
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces simulated] When vfio-pci fails to probe a device, this device and those before it are rolled back.
failing_probe() {
	remember
	must_control probe-fail vfio-pci $port_nic EIO
	! call bind $lone $port_nic || fail "the probe failed, and bind succeeded"
	expect --arg a $port_nic '.status == "ABORTED" and
		(.details | any(.pci_address == $a and .reason == "KERNEL_REFUSED"))'
	must_control probe-ok vfio-pci $port_nic
	expect_unchanged
	must_call bind $lone $port_nic
	must_call unbind $lone $port_nic
}

# [faces simulated] When the native driver fails to take a device back, the caller is told.
failing_native_probe() {
	must_call bind $lone
	must_control probe-fail e1000e $lone EIO
	! call unbind $lone || fail "nothing took it, and unbind succeeded: $(head -c 300 "$body")"
	must_control probe-ok e1000e $lone
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [rest simulated] A device that disappears during its bind is reported; the others are rolled back.
vanishing_in_the_middle() {
	must_control block unbind $port_nic
	later a bind $lone $port_nic
	eventually test ! -e "$pci/$port_nic/driver" || fail "the unbind does not begin"
	(control vanish $port_nic) 2>/dev/null 3>&- 4<&- &
	must_control unblock unbind $port_nic
	wait
	# Whichever comes first, the bind's last step or the card's leaving, it is all or nothing.
	if [ "$(outcome a)" = well ]; then
		expect_driver $lone vfio-pci
		must_call unbind $lone
	fi
	expect_given_back $lone e1000e
	must_refuse NOT_FOUND info $port_nic
	must_control appear $port_nic
	must_call bind $port_nic
	must_call unbind $port_nic
	expect_given_back $port_nic e1000e
}
