# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# Groups of several devices, and several changes at once. To be sourced by scenarios.sh.

# [faces] A whole group is bound at once, except its bridge, and a user can open any member.
whole_shared_group() {
	must_call bind --whole-group $shared_nic
	expect '.groups[0].viable'
	expect_driver $shared_nic vfio-pci
	expect_driver $shared_edu vfio-pci
	expect_driver $shared_bridge ''
	must use_once $shared_edu >/dev/null
	must_call unbind --whole-group $shared_nic
	expect_given_back $shared_nic e1000
	expect_given_back $shared_edu ''
}

# [faces] A member is viable alone when the other member has no driver.
member_beside_driverless_is_viable() {
	must_call bind $shared_nic
	expect '.groups[0].viable and .groups[0].blockers == []'
	must use_once $shared_nic >/dev/null
	must_call unbind $shared_nic
	expect_given_back $shared_nic e1000
}

# [faces] A group with members on the host's drivers is not viable, and the answer names them.
partly_bound_group_is_not_viable() {
	must_call bind $chip_ahci
	expect --arg a $chip_isa --arg b $chip_smbus '.groups[0].viable == false and
		(.groups[0].blockers | map(.address) == [$a, $b])'
	must_call groups $chip_ahci
	expect '.[0].blockers | map(.driver) == ["lpc_ich", "i801_smbus"]'
	! use_once $chip_ahci >/dev/null 2>&1 || fail "the kernel lets a user have the group"
	must_call unbind $chip_ahci
	expect_given_back $chip_ahci ahci
}

# [faces] A group is viable once the last of its members is off the host's drivers.
group_becomes_viable() {
	must_call bind $chip_ahci
	expect '.groups[0].viable == false'
	move_by_hand $chip_isa
	must_call groups $chip_ahci
	expect '.[0].viable == false and (.[0].blockers | length) == 1'
	move_by_hand $chip_smbus
	must_call groups $chip_ahci
	expect '.[0].viable and .[0].blockers == []'
	must use_once $chip_ahci >/dev/null
	must_call unbind $chip_ahci
	echo $chip_isa >"$bus/drivers_probe"
	echo $chip_smbus >"$bus/drivers_probe"
	expect_driver $chip_isa lpc_ich
	expect_given_back $chip_smbus i801_smbus
	expect_given_back $chip_ahci ahci
}

# Starts a call whose outcome is then in $work/NAME. Usage: later NAME OPERATION ADDRESS...
later() {
	local name=$1
	shift
	(
		body=$work/$name.body
		if call "$@"; then echo well; else jq -r .status <"$body"; fi >"$work/$name"
	) 3>&- 4<&- &
}

outcome() { cat "$work/$1"; }

# [faces] Changes to different groups run at the same time, and all are done.
different_groups_at_once() {
	local round
	for round in bind unbind; do
		later a $round $lone
		later b $round $lone2
		later c $round $port_nic
		wait
		[ "$(outcome a) $(outcome b) $(outcome c)" = 'well well well' ] ||
			fail "$round: $(outcome a), $(outcome b), $(outcome c)"
	done
	for device in $lone $lone2 $port_nic; do
		expect_given_back $device e1000e
	done
}

# [faces] Two changes to one group run one after the other, and both are done.
same_group_at_once() {
	later a bind $shared_nic
	later b bind $shared_edu
	wait
	[ "$(outcome a) $(outcome b)" = 'well well' ] || fail "bind: $(outcome a), $(outcome b)"
	expect_driver $shared_nic vfio-pci
	expect_driver $shared_edu vfio-pci
	later a unbind $shared_nic
	later b unbind $shared_edu
	wait
	[ "$(outcome a) $(outcome b)" = 'well well' ] || fail "unbind: $(outcome a), $(outcome b)"
	expect_given_back $shared_nic e1000
	expect_given_back $shared_edu ''
}

# [faces] Bind and unbind of one device at the same time leave it either bound or given back.
bind_and_unbind_at_once() {
	local round
	for round in 1 2 3 4; do
		later a bind $lone
		later b unbind $lone
		wait
		[ "$(outcome a) $(outcome b)" = 'well well' ] || fail "$(outcome a), $(outcome b)"
		case $(driver_of $lone) in
		vfio-pci) expect_state $lone VFIO ;;
		e1000e) expect_state $lone HOST ;;
		*) fail "$lone is on driver '$(driver_of $lone)'" ;;
		esac
	done
	must_call unbind $lone
	expect_given_back $lone e1000e
}
