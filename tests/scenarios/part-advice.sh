# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# What keeps groups from VFIO, and advice that helps. To be sourced by scenarios.sh.

gpu=0000:c1:00.0 gpu_audio=0000:c1:00.1 fabric_gpu=0000:d2:00.0 fabric_held=0000:d4:00.0
nvswitch=0000:da:00.0 mapped=0000:c0:1a.0 relaxed=0000:c0:1b.0 with_stranger=0000:c0:16.0
shared_pf=0000:e0:00.0 shared_vf=0000:e0:00.1 lone_pf=0000:e1:00.0 lone_vf=0000:e1:00.2
blank_name=0000:e2:00.0 framebuffer=0000:e3:00.0 booted_on=0000:e4:00.0 no_display=0000:e5:00.0
igfx=0000:e6:00.0

# Does what a sentence says, word by word, to the device it is about. Fails when it says nothing that
# a program could do. Usage: follow ADDRESS SENTENCE
follow() {
	local what where
	case $2 in
	*"bind it to vfio-pci too"*) must_call bind "$1" ;;
	*"write 0 to its sriov_numvfs first"*) virtual_functions "$1" 0 ;;
	*"stop the programs that have it open"*) must_control release "$1" ;;
	*"write "*" to /sys/"*)
		what=${2#*write }
		where=${what#* to } what=${what%% to *}
		where=${where%% *}
		echo "$what" >"$root$where" || fail "cannot write $what to $where"
		;;
	*) fail "nobody can follow '$2'" ;;
	esac
}

# Whether the sentence says that it never can be.
says_never() { [ "$1" != "${1#*can never}" ]; }

# Binds the device's whole group, following the advice of each refusal, until it is bound and a user
# can open each of its endpoints, or a refusal says that it never can. Sets $followed to how often it
# was advised, or to "never". Usage: follow_refusals ADDRESS
follow_refusals() {
	local advice message subject round=0
	while ! call bind --whole-group "$1"; do
		round=$((round + 1))
		[ $round -lt 12 ] || fail "the advice leads nowhere: $(cat "$body")"
		message=$(jq -r '.details[0].message' <"$body")
		if says_never "$message"; then
			followed=never
			return
		fi
		subject=$(jq -r '.details[0].pci_address' <"$body")
		advice=$(jq -r '.details[0].action' <"$body")
		follow "$subject" "$advice"
	done
	expect '.groups[0].viable and .groups[0].blockers == []'
	for each in $(jq -r '.devices[].address' <"$body"); do
		expect_driver "$each" vfio-pci
		must use_once "$each" >/dev/null
	done
	followed=$round
}

# The same for the device alone and the advice of its group: each blocker's reason is followed until
# the group is viable. Usage: follow_group ADDRESS
follow_group() {
	local reason member round=0
	must_call bind "$1"
	must_call groups "$1"
	until jq -e '.[0].viable' <"$body" >/dev/null; do
		round=$((round + 1))
		[ $round -lt 24 ] || fail "the advice leads nowhere: $(cat "$body")"
		reason=$(jq -r '.[0].blockers[0].reason' <"$body")
		member=$(jq -r '.[0].blockers[0].address' <"$body")
		! says_never "$reason" || fail "of a group that is to become viable: $reason"
		follow "$member" "$reason"
		must_call groups "$1"
	done
	must use_once "$1" >/dev/null
}

# [faces simulated on advice] A GPU's advice, followed word by word, leads to a usable group of two.
advice_for_a_gpu() {
	remember
	must_control hold $gpu /dev/nvidia0 4243 Xorg
	follow_refusals $gpu
	[ "$followed" = 1 ] || fail "advised $followed times"
	must_call unbind --whole-group $gpu
	follow_group $gpu
	must_call unbind --whole-group $gpu
	expect_given_back $gpu nvidia
	expect_given_back $gpu_audio snd_hda_intel
	expect_unchanged
}

# [faces simulated on advice] Advice for eight GPUs and an NVSwitch of one group leads to a usable one.
advice_for_a_shared_group() {
	follow_refusals $nvswitch
	[ "$followed" = 1 ] || fail "advised $followed times"
	expect '(.devices | length) == 9'
	must_call unbind --whole-group $nvswitch
	must_control hold $fabric_held /dev/nvidia3 1201 nvidia-persiste
	must_call groups $fabric_gpu
	expect --arg a $nvswitch '.[0].blockers | length == 9 and any(.address == $a)'
	must_control release $fabric_held
	follow_group $fabric_gpu
	must_call unbind --whole-group $fabric_gpu
	expect_given_back $nvswitch nvidia-nvswitch
	must_control hold $fabric_held /dev/nvidia3 1201 nvidia-persiste
}

# [faces simulated on advice] An NVSwitch, whose class is a bridge's, is an endpoint and can be bound.
nvswitch_is_an_endpoint() {
	must_call info $nvswitch
	expect '.is_bridge == false'
	not_refused $nvswitch
	must_call bind $nvswitch
	expect_driver $nvswitch vfio-pci
	must_call unbind $nvswitch
	expect_given_back $nvswitch nvidia-nvswitch
}

# [faces simulated on advice] A group with a region of type direct is refused by the region's name.
reserved_region_is_refused() {
	refused $mapped RESERVED_REGION
	expect '.details[0].resource == "reserved region 0x7d000000-0x7d7fffff"'
	expect '.details[0].message | contains("can never")'
	must_call groups $mapped
	expect '.[0].viable == false and .[0].direct_region == "0x7d000000-0x7d7fffff"'
	expect '.[0].blockers[0].reason | contains("can never") and (contains("bind it") | not)'
	follow_refusals $mapped
	[ "$followed" = never ] || fail "advised $followed times"
	force_passes $mapped RESERVED_REGION
	enemy_refused RESERVED_REGION --no-force unbind $mapped xhci_hcd
	not_refused $relaxed
}

# [faces simulated on advice] The kernel lets no user have a group with a region of type direct.
reserved_region_bars_the_user() {
	must_call bind --force RESERVED_REGION $mapped
	expect '.groups[0].viable == false'
	! use_once $mapped >/dev/null 2>&1 || fail "the kernel lets a user have the group"
	must_call unbind $mapped
	expect_given_back $mapped xhci_hcd
}

# [faces simulated on advice] A member that is no PCI device blocks its group until it has no driver.
stranger_blocks_its_group() {
	must_refuse FAILED_PRECONDITION/GROUP_BLOCKED bind --whole-group --dry-run $with_stranger
	expect '.details[0].pci_address == "INTC1084:00"'
	must_call bind $with_stranger
	expect '.groups[0].viable == false and .groups[0].devices == ["0000:c0:16.0"]'
	expect '.groups[0].blockers | map(.address) == ["INTC1084:00"]'
	! use_once $with_stranger >/dev/null 2>&1 || fail "the kernel lets a user have the group"
	must_call unbind $with_stranger
	follow_group $with_stranger
	expect '.[0].other_members == ["INTC1084:00", "INTC1085:00"]'
	must_call unbind $with_stranger
	echo INTC1084:00 >"$root/sys/bus/platform/drivers/intel-ish/bind"
	expect_given_back $with_stranger mei_me
}

# [faces] A whole group with an ISA bridge on a driver is refused; without that driver it is usable.
isa_bridge_blocks_its_group() {
	must_refuse FAILED_PRECONDITION/GROUP_BLOCKED bind --whole-group $chip_ahci
	expect --arg a $chip_isa '.details | map(.pci_address) == [$a]'
	expect_driver $chip_ahci ahci
	must_refuse FAILED_PRECONDITION/IS_BRIDGE bind $chip_isa
	expect '.details[0].message | contains("ISA bridge") and contains("can never")'
	must_call groups $chip_ahci
	expect --arg a $chip_isa '.[0].blockers[] | select(.address == $a) | .reason |
		contains("a bridge is never bound") and (contains("bind it") | not)'
	follow_refusals $chip_ahci
	[ "$followed" = 1 ] || fail "advised $followed times"
	must_call unbind --whole-group $chip_ahci
	echo $chip_isa >"$bus/drivers_probe"
	expect_driver $chip_isa lpc_ich
	expect_given_back $chip_smbus i801_smbus
	expect_given_back $chip_ahci ahci
}

# [faces] A dry run answers the groups as they would be.
dry_run_tells_of_later_groups() {
	must_call bind --dry-run --whole-group $shared_nic
	expect '.groups[0].viable and .groups[0].blockers == []'
	must_call bind --dry-run $chip_ahci
	expect --arg a $chip_isa --arg b $chip_smbus '.groups[0].viable == false and
		(.groups[0].blockers | map(.address) == [$a, $b])'
	must_call groups $shared_nic
	expect '.[0].viable == false'
}

# [faces] The advice of a group says that a guard would refuse a member.
group_advice_knows_guards() {
	must_call groups $management
	expect '.[0].blockers[0].reason | contains("refuses to bind it (NIC_IN_USE)")'
	must_call groups $lone
	expect '.[0].blockers[0].reason | contains("bind it to vfio-pci too")'
}

# [faces simulated on advice] All functions of a card are not its virtual ones.
functions_of_a_card() {
	must_call bind --dry-run --all-functions $lone_vf
	expect --arg a $lone_vf '.devices | map(.address) == [$a]'
	must_refuse FAILED_PRECONDITION/PF_HAS_VFS bind --dry-run --all-functions $lone_pf
	expect --arg a $lone_pf '.details | map(.pci_address) == [$a]'
	must_call bind --dry-run --all-functions $gpu
	expect --arg a $gpu --arg b $gpu_audio '.devices | map(.address) == [$a, $b]'
}

# [faces simulated on advice] Nobody is advised to remove the virtual function that was asked for.
virtual_function_in_its_pfs_group() {
	must_refuse FAILED_PRECONDITION/PF_HAS_VFS bind --whole-group $shared_vf
	expect --arg a $shared_pf '.details | map(.pci_address) == [$a]'
	expect '.details[0] | (.message | contains("can never")) and
		(.action | contains("sriov_numvfs") | not)'
	follow_refusals $shared_vf
	[ "$followed" = never ] || fail "advised $followed times"
	must_refuse FAILED_PRECONDITION/PF_HAS_VFS bind $shared_pf
	expect '.details[0].action == "write 0 to its sriov_numvfs first"'
	follow_refusals $shared_pf
	[ "$followed" = 1 ] || fail "advised $followed times"
	must_call unbind $shared_pf
	virtual_functions $shared_pf 2
	expect_given_back $shared_pf ixgbe
}

# [faces simulated on advice] A virtual function whose physical one is on VFIO needs a token, and the bind says so.
virtual_function_needs_a_token() {
	local vf
	virtual_functions $lone_pf 0
	must_call bind $lone_pf
	expect '.notes == []'
	must_control set vfio_pci enable_sriov Y
	virtual_functions $lone_pf 2 2>/dev/null || skip "simhost makes no functions of a bound device"
	vf=$(link_name "$pci/$lone_pf/virtfn0")
	must_call bind $vf
	expect '.notes | length == 1 and (.[0] | contains("VF token"))'
	virtual_functions $lone_pf 0
	must_control set vfio_pci enable_sriov N
	must_call unbind $lone_pf
	virtual_functions $lone_pf 3
	expect_given_back $lone_pf ixgbe
}

# [faces simulated on advice] A function left behind that prevents a reset is told with the bind.
function_that_prevents_a_reset() {
	must_call bind $gpu
	expect --arg a $gpu_audio '.notes | length == 1 and (.[0] | contains($a) and contains("reset"))'
	must_call bind $gpu $gpu_audio
	expect '.notes == []'
	must_call unbind --whole-group $gpu
	must_call bind $nvswitch
	expect '.notes == []'
	must_call unbind $nvswitch
}

# [faces simulated on advice] A driver whose name has a blank gives its device and gets it back.
driver_name_with_a_blank() {
	must_call bind --dry-run $blank_name
	expect '.steps | any(.action == "unbind" and .driver == "TBSECP3 driver")'
	must_call bind $blank_name
	expect_driver $blank_name vfio-pci
	must_call info $blank_name
	expect '.original_driver == "TBSECP3 driver"'
	must_call unbind $blank_name
	expect_given_back $blank_name 'TBSECP3 driver'
}

# [faces simulated on advice] A driverless card with the firmware's frame buffer is the display.
frame_buffer_of_the_firmware() {
	refused $framebuffer BOOT_DISPLAY
	expect '.details[0].resource == "firmware frame buffer"'
	force_passes $framebuffer BOOT_DISPLAY
	enemy_refused BOOT_DISPLAY --no-force bind $framebuffer vfio-pci
	not_refused $no_display
}

# [faces simulated on advice] A display that the kernel calls the boot display is refused.
boot_display_that_is_no_vga() {
	refused $booted_on BOOT_DISPLAY
	enemy_refused BOOT_DISPLAY --no-force unbind $booted_on amdgpu
	not_refused $no_display
}

# [faces simulated on advice] A GPU that igfx_off keeps from the IOMMU is not told to enable it.
gpu_without_a_group() {
	refused $igfx NO_IOMMU_GROUP
	expect '.details[0].action | contains("igfx_off") and (contains("enable the IOMMU") | not)'
	must_refuse FAILED_PRECONDITION/NO_IOMMU_GROUP groups $igfx
	expect '.details[0].action | contains("igfx_off")'
}

# [faces simulated on advice] Bind and doctor say that the owner of a node cannot open another that it needs.
control_node_is_closed() {
	must_call bind --dry-run --node-owner 12345 $gpu $gpu_audio
	expect '.notes | length == 1 and (.[0] | contains("/dev/iommu") and contains("user 12345"))'
	must chmod 0600 "$root/dev/vfio/vfio"
	must_call bind --dry-run --node-owner 12345 $gpu $gpu_audio
	expect '.notes[0] | contains("/dev/vfio/vfio")'
	curl -s -o "$body" "$api/api/v1/vfio/host"
	expect '.checks[] | select(.name == "nodes") | .verdict == "WARN"'
	must chmod 0666 "$root/dev/vfio/vfio"
	curl -s -o "$body" "$api/api/v1/vfio/host"
	expect '.checks | any(.name == "nodes") | not'
}
