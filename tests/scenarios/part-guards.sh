# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# Guards: what the host needs is not taken. To be sourced by scenarios.sh.

# [faces] The NIC that has the default route is refused.
nic_with_default_route() {
	refused $management NIC_IN_USE
	expect '.details[0].resource | startswith("mgmt0")'
	force_passes $management NIC_IN_USE
}

# [faces] A NIC with an IPv4 address is refused until it has none.
nic_with_address() {
	local nic
	nic=$(nic_of $lone)
	net "$nic" up
	net "$nic" address
	(refused $lone NIC_IN_USE)
	set -- $?
	net "$nic" no-address
	net "$nic" down
	[ "$1" = 0 ] || exit 1
	not_refused $lone
}

# [faces] A NIC with nothing but an IPv6 address is refused until it has none.
nic_with_ipv6_address_only() {
	local nic
	nic=$(nic_of $lone)
	net "$nic" up
	net "$nic" address6
	(refused $lone NIC_IN_USE && force_passes $lone NIC_IN_USE)
	set -- $?
	net "$nic" no-address6
	net "$nic" down
	[ "$1" = 0 ] || exit 1
	not_refused $lone
}

# [faces lab] A NIC whose only address has no network, and so no route, is refused too.
nic_with_lone_address() {
	local nic
	nic=$(nic_of $lone)
	net "$nic" up
	must ip address add 192.0.2.9/32 dev "$nic"
	(
		refused $lone NIC_IN_USE
		expect --arg n "$nic" '.details[0].resource == $n + " 192.0.2.9"'
	)
	set -- $?
	ip address del 192.0.2.9/32 dev "$nic"
	net "$nic" down
	[ "$1" = 0 ] || exit 1
	not_refused $lone
}

# [faces lab] A NIC that a container has is refused, although sysfs shows no interface of it.
nic_in_another_network_namespace() {
	local nic
	nic=$(nic_of $lone)
	make_network_namespace
	must ip link set "$nic" netns $holder
	(
		refused $lone NIC_IN_USE
		expect '.details[0].message | contains("in another network namespace")'
		force_passes $lone NIC_IN_USE
	)
	set -- $?
	let_go
	eventually test -e "$pci/$lone/net/$nic" || fail "$nic did not come back"
	[ "$1" = 0 ] || exit 1
	not_refused $lone
}

# [faces] A NIC that is only up, without address and route, can be bound.
nic_that_is_merely_up() {
	local nic
	nic=$(nic_of $lone)
	net "$nic" up
	(not_refused $lone)
	set -- $?
	net "$nic" down
	[ "$1" = 0 ] || exit 1
}

# Usage: nic_below bond|bridge
nic_below() {
	local nic
	nic=$(nic_of $port_nic)
	enslave "$nic" "$1"
	(
		refused $port_nic NIC_IN_USE
		expect --arg m "$1" '.details[0].message | contains("under " + $m)'
	)
	set -- $?
	set_free "$nic"
	[ "$1" = 0 ] || exit 1
	not_refused $port_nic
}

# [faces on stacked] A NIC that is a member of a bond is refused, up or not.
nic_in_bond() { nic_below bond; }

# [faces on stacked] A NIC that is a member of a bridge is refused, up or not.
nic_in_bridge() { nic_below bridge; }

# [faces on stacked] A NIC below a VLAN is refused.
nic_under_vlan() {
	local nic
	nic=$(nic_of $numa_nic)
	vlan_on "$nic"
	(refused $numa_nic NIC_IN_USE)
	set -- $?
	vlan_off
	[ "$1" = 0 ] || exit 1
}

# [faces] The display that the host booted on is refused, and bound when BOOT_DISPLAY is forced.
boot_display() {
	refused $display BOOT_DISPLAY
	force_passes $display BOOT_DISPLAY
	must_call bind --force BOOT_DISPLAY $display
	expect_driver $display vfio-pci
	must_call unbind $display
	expect_given_back $display ''
}

# [faces on graphics simulated] The display whose frame buffer has the console is refused, booted on or not.
console_on_a_frame_buffer() {
	refused 0000:f4:00.0 BOOT_DISPLAY
	expect '.details[0].resource | contains("fb0")'
	force_passes 0000:f4:00.0 BOOT_DISPLAY
	must_call bind --force BOOT_DISPLAY 0000:f4:00.0
	must_call unbind 0000:f4:00.0
	expect_given_back 0000:f4:00.0 amdgpu
}

# [faces] A bridge is refused, even if every guard, or its own reason, is forced.
bridge_is_never_bound() {
	refused $root_port IS_BRIDGE
	must_refuse FAILED_PRECONDITION/IS_BRIDGE bind --force BOOT_DISPLAY --force DISK_IN_USE \
		--force NIC_IN_USE --force NODE_IN_USE --force PF_HAS_VFS --force VFIO_IN_USE \
		--force KERNEL_DENYLIST --force NO_INTERRUPT_REMAPPING $root_port $shared_bridge
	must_refuse INVALID_ARGUMENT bind --force IS_BRIDGE $root_port
	expect_driver $root_port pcieport
}

# [faces] A force that is not a guard's name is refused, with a list of the names.
wrong_force_is_refused() {
	local name
	for name in nic_in_use EVERYTHING 'NIC_IN_USE,' IS_BRIDGE NO_IOMMU_GROUP; do
		must_refuse INVALID_ARGUMENT bind --force "$name" $lone
		expect '.message | contains("NIC_IN_USE") and contains("NO_INTERRUPT_REMAPPING")'
	done
	expect_driver $lone e1000e
}

# [faces] A force that is not needed does no harm.
needless_force_does_no_harm() {
	must_call bind --force DISK_IN_USE --force NIC_IN_USE $lone
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces] A disk with a mounted file system is refused, forced or not, until it is unmounted.
mounted_disk() {
	local name
	name=$(disk_of $disk)
	disk_mounted "$name"
	(
		refused $disk DISK_IN_USE
		expect --arg d "$name" '.details[0].resource | contains($d) and contains("mounted on")'
		no_force_passes $disk DISK_IN_USE
	)
	set -- $?
	disk_unmounted
	[ "$1" = 0 ] || exit 1
	not_refused $disk
}

# [faces on stacked] A disk with a mounted partition is refused.
mounted_partition() {
	local partition
	partition=$(partition_of "$(disk_of $disk)")
	disk_mounted "$partition"
	(
		refused $disk DISK_IN_USE
		expect --arg d "$partition" '.details | any(.resource | contains($d))'
	)
	set -- $?
	disk_unmounted
	[ "$1" = 0 ] || exit 1
	not_refused $disk
	no_partition "$(disk_of $disk)"
}

# [faces] A disk that the host swaps to is refused.
swapped_disk() {
	local name
	name=$(disk_of $disk)
	swap_on "$name"
	(
		refused $disk DISK_IN_USE
		expect '.details[0].resource | contains("swap")'
	)
	set -- $?
	swap_off "$name"
	[ "$1" = 0 ] || exit 1
	not_refused $disk
}

# [faces on stacked] A disk that is part of an array is refused.
disk_in_array() {
	array_up
	(
		refused "$member" DISK_IN_USE
		expect --arg a "$array" '.details | any(.resource | contains($a))'
		no_force_passes "$member" DISK_IN_USE
	)
	set -- $?
	array_down
	[ "$1" = 0 ] || exit 1
}

# [faces on stacked simulated] A disk below a partition, an array, a volume and its mount is refused.
disk_below_a_stack() {
	disk_mounted dm-0
	(
		refused $sriov DISK_IN_USE
		expect '.details | any(.message | contains("md127") and contains("dm-0") and
			contains("mounted on /srv"))'
	)
	set -- $?
	disk_unmounted
	[ "$1" = 0 ] || exit 1
}

# [faces on looped] A disk below a loop device is refused, mounted or not.
disk_below_a_loop() {
	local name
	name=$(disk_of $disk)
	loop_up "$name"
	(
		refused $disk DISK_IN_USE
		expect '.details | any(.resource | contains("loop0"))'
		no_force_passes $disk DISK_IN_USE
	)
	set -- $?
	loop_down
	[ "$1" = 0 ] || exit 1
}

# [faces lab] A disk that the kernel has claimed is refused, even if sysfs does not show the claim.
disk_claimed_by_the_kernel() {
	claim_disk "$(disk_of $disk)"
	(refused $disk DISK_IN_USE)
	set -- $?
	unclaim_disk
	[ "$1" = 0 ] || exit 1
	not_refused $disk
}

# [rest lab] A disk that vfiod has no node of is refused, forced or not, and doctor says so.
disk_that_vfiod_cannot_see() {
	local name
	name=$(disk_of $disk)
	claim_disk "$name"
	stop_vfiod TERM
	(
		start_blind_vfiod
		refused $disk BLIND
		expect --arg n "/dev/$name" '.details[0].message | contains($n)'
		no_force_passes $disk BLIND
		! vfioctl --rpc "$rpc" doctor >"$body" 2>&1 || fail "doctor finds nothing wrong"
		grep -q "^disks  *fail  .*/dev/$name" "$body" || fail "doctor sees all disks"
		grep -q '^sysfs  *fail  .*read-only' "$body" || fail "doctor could write to /sys"
		stop_vfiod TERM
	)
	set -- $?
	answers && stop_vfiod TERM
	start_vfiod
	(refused $disk DISK_IN_USE)
	set -- $(($1 + $?))
	unclaim_disk
	[ "$1" = 0 ] || exit 1
	not_refused $disk
	vfioctl --rpc "$rpc" doctor >"$body" 2>&1
	grep -q '^disks  *pass' "$body" || fail "doctor sees not all disks"
	grep -q '^sysfs  *pass' "$body" || fail "doctor could not write to /sys"
}

# [rest lab] In a PID namespace of its own, vfiod changes nothing unless it is told to trust that.
processes_that_vfiod_cannot_see() {
	stop_vfiod TERM
	(
		start_vfiod_in_pid_namespace
		refused $lone BLIND
		expect '.details[0].message | contains("PID namespace")'
		no_force_passes $lone BLIND
		! vfioctl --rpc "$rpc" doctor >"$body" 2>&1 || fail "doctor finds nothing wrong"
		grep -q '^processes  *fail  .*PID namespace' "$body" || fail "doctor sees all processes"
		stop_vfiod TERM
		options=--trust-namespace start_vfiod_in_pid_namespace
		not_refused $lone
		stop_vfiod TERM
	)
	set -- $?
	answers && stop_vfiod TERM
	start_vfiod
	[ "$1" = 0 ] || exit 1
	not_refused $lone
	vfioctl --rpc "$rpc" doctor >"$body" 2>&1
	grep -q '^processes  *pass' "$body" || fail "doctor sees not all processes"
}

# [faces] A disk whose node a process has open is refused, naming the process, until that ends.
disk_node_held_open() {
	hold_node $disk "$(disk_of $disk)"
	(
		refused $disk NODE_IN_USE
		expect --argjson p "$holder" --arg c "$holder_command" --arg n "/dev/$(disk_of $disk)" \
			'.details[0].holders | any(.pid == $p and .command == $c and .what == $n)'
		force_passes $disk NODE_IN_USE
	)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
	not_refused $disk
}

# [faces on graphics simulated] A GPU whose DRM node a process has open is refused, naming the process.
drm_node_held_open() {
	hold_node 0000:f0:00.0 dri/card1
	refused 0000:f0:00.0 NODE_IN_USE
	expect --argjson p "$holder" '.details[0].holders | any(.pid == $p and .what == "/dev/dri/card1")'
	force_passes 0000:f0:00.0 NODE_IN_USE
	let_go
	not_refused 0000:f0:00.0
	round_trip 0000:f0:00.0 amdgpu
}

# [faces on graphics simulated] A GPU whose NVIDIA node is open, as by its persistence daemon, is refused.
nvidia_node_held_open() {
	hold_node 0000:f1:00.0 nvidia0
	refused 0000:f1:00.0 NODE_IN_USE
	expect --argjson p "$holder" '.details[0].holders | any(.pid == $p and .what == "/dev/nvidia0")'
	let_go
	not_refused 0000:f1:00.0
	round_trip 0000:f1:00.0 nvidia
}

# [faces] A guard that --allow-force does not name cannot be forced, and the answer says so.
guard_that_may_not_be_forced() {
	stop_vfiod TERM
	options='--allow-force BOOT_DISPLAY,VFIO_IN_USE'
	start_vfiod
	(
		must_refuse FAILED_PRECONDITION/NIC_IN_USE bind --force NIC_IN_USE $management
		expect '.details[0].action | contains("--allow-force") and (contains("or force") | not)'
		force_passes $display BOOT_DISPLAY
	)
	set -- $?
	# shellcheck disable=SC2034 # start_vfiod reads it
	options=''
	restart_vfiod TERM
	[ "$1" = 0 ] || exit 1
	force_passes $management NIC_IN_USE
}

# [rest] An attacker in the daemon gets no device in use, even by force, and no foreign driver.
taken_over_main_gets_nothing_in_use() {
	local name
	name=$(disk_of $disk)
	disk_mounted "$name"
	(enemy_refused DISK_IN_USE unbind $disk nvme && expect_driver $disk nvme)
	set -- $?
	disk_unmounted
	[ "$1" = 0 ] || exit 1
	enemy_refused NIC_IN_USE --no-force unbind $management "$(driver_of $management)"
	enemy_refused NIC_IN_USE --deny-force unbind $management "$(driver_of $management)"
	enemy_refused BOOT_DISPLAY --no-force bind $display vfio-pci
	enemy_refused IS_BRIDGE unbind $root_port pcieport
	enemy_refused PERMISSION override $lone nvme
	enemy_refused PERMISSION override $lone ../vfio-pci
	expect_given_back $lone e1000e
}

# [rest] An attacker in the daemon gets no device of a virtual machine, and no node for itself or all.
taken_over_main_gets_no_node() {
	local node
	must_call bind $lone
	hold device $lone
	(enemy_refused VFIO_IN_USE --no-force unbind $lone vfio-pci)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
	node=$(stat -c '%u %g %a' "$(node_of $lone)")
	enemy_refused NODE_NOT_SET node $lone 65534:0:600
	enemy_refused NODE_NOT_SET node $lone 1000:65534:660
	enemy_refused NODE_NOT_SET node $lone 0:0:666
	[ "$(stat -c '%u %g %a' "$(node_of $lone)")" = "$node" ] || fail "the node was given away"
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces] A physical function that has virtual functions is refused until those are gone.
physical_function_with_virtual_ones() {
	echo 0 >"$pci/$sriov/sriov_drivers_autoprobe"
	virtual_functions $sriov 2
	(
		refused $sriov PF_HAS_VFS
		force_passes $sriov PF_HAS_VFS
	)
	set -- $?
	virtual_functions $sriov 0
	echo 1 >"$pci/$sriov/sriov_drivers_autoprobe"
	[ "$1" = 0 ] || exit 1
	not_refused $sriov
}

# [faces on unsafe simulated] Without interrupt remapping a device is refused, and bound when forced.
no_interrupt_remapping() {
	refused $lone NO_INTERRUPT_REMAPPING
	force_passes $lone NO_INTERRUPT_REMAPPING
	must_call bind --force NO_INTERRUPT_REMAPPING $lone
	expect_driver $lone vfio-pci
	! use_once $lone >/dev/null || fail "a user could have it"
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [faces on graphics simulated] A device on the kernel's denylist is refused by vfiod and, when forced, by the kernel.
kernel_denylist() {
	refused 0000:f2:00.0 KERNEL_DENYLIST
	force_passes 0000:f2:00.0 KERNEL_DENYLIST
	must_refuse ABORTED/KERNEL_REFUSED bind --force KERNEL_DENYLIST 0000:f2:00.0
	expect_given_back 0000:f2:00.0 qat_dh895xcc
	must_control set vfio_pci disable_denylist Y
	not_refused 0000:f2:00.0
	round_trip 0000:f2:00.0 qat_dh895xcc
	must_control set vfio_pci disable_denylist N
}

# [faces on graphics simulated] A device without an IOMMU group is refused, in the contract's words.
no_iommu_group() {
	must_refuse FAILED_PRECONDITION/NO_IOMMU_GROUP bind 0000:f3:00.0
	expect '.message == "device 0000:f3:00.0 has no IOMMU group (IOMMU may not be enabled)"'
	must_refuse FAILED_PRECONDITION/NO_IOMMU_GROUP groups 0000:f3:00.0
	must_call validate 0000:f3:00.0
	expect '.errors == ["device 0000:f3:00.0 has no IOMMU group (IOMMU may not be enabled)"]'
}
