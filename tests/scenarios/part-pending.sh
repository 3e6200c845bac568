# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# Writes that do not return. To be sourced by scenarios.sh.

# As call, but vfiod has only so many seconds for it. REST has no word for that: its deadline is
# vfiod's own. Usage: short_call SECONDS OPERATION [OPTION]... ADDRESS...
short_call() {
	local seconds=$1
	shift
	ctl --timeout "$seconds" "$@"
}

# A bound device, a user of it, and an unbind by force that does not return.
force_unbind_of_held() {
	must_call bind $lone
	hold device $lone
	! short_call 2 unbind --force VFIO_IN_USE $lone || fail "it returned: $(head -c 300 "$body")"
	expect '.status == "DEADLINE_EXCEEDED"'
}

ended() { is_on "$1" "$2" && [ "$(override_of "$1")" = '(null)' ]; }

# Waits until the device is as vfiod found it.
finishes() {
	eventually ended "$1" "$2" ||
		fail "$1 is on '$(driver_of "$1")', and not back on '$2'"
	becomes "$1" HOST
}

# [rest] A forced unbind that does not return names the user, and ends when the user ends.
forced_unbind_ends_with_the_user() {
	local seconds named=0
	# On a machine that is busy with other things, who is in the way is not found out in so little.
	for seconds in 2 8 30; do
		must_call bind $lone
		hold device $lone
		! short_call $seconds unbind --force VFIO_IN_USE $lone ||
			fail "it returned: $(head -c 300 "$body")"
		named=0
		(
			expect '.status == "DEADLINE_EXCEEDED"'
			[ $seconds = 30 ] || jq -e '.details != []' <"$body" >/dev/null || exit 78
			expect --argjson p "$holder" --arg c "$holder_command" '(.message | contains($c)) and
				(.details | any(.reason == "UNBIND_PENDING" and (.holders | any(.pid == $p))))'
			expect_state $lone UNBIND_PENDING
		) || named=$?
		let_go
		[ $named = 0 ] || [ $named = 78 ] || exit 1
		finishes $lone e1000e
		[ $named = 78 ] || break
	done
	must_call bind $lone
	must_call unbind $lone
}

# [faces] While a write has not returned, its device is refused at once and all others are served.
others_are_served_while_one_waits() {
	force_unbind_of_held
	(
		must_refuse FAILED_PRECONDITION/UNBIND_PENDING bind $lone
		must_refuse FAILED_PRECONDITION/UNBIND_PENDING unbind $lone
		must_call bind $lone2
		must_call unbind $lone2
		expect_given_back $lone2 e1000e
		must_call groups $lone $lone2
	)
	set -- $?
	let_go
	[ "$1" = 0 ] || exit 1
	finishes $lone e1000e
}

# [rest] A write that has not returned survives the end of vfiod, and the next vfiod finishes it.
pending_unbind_outlives_vfiod() {
	local signal
	for signal in TERM KILL; do
		force_unbind_of_held
		restart_vfiod $signal
		(
			expect_state $lone UNBIND_PENDING
			must_refuse FAILED_PRECONDITION/UNBIND_PENDING bind $lone
		)
		set -- $?
		let_go
		[ "$1" = 0 ] || exit 1
		finishes $lone e1000e
	done
}

# [rest] When a write returns while no vfiod runs, the next vfiod finishes the change.
pending_unbind_ends_without_vfiod() {
	force_unbind_of_held
	stop_vfiod KILL
	let_go
	start_vfiod
	finishes $lone e1000e
}

# Another tool's unbind, which waits for the device's user.
unbind_by_hand_later() {
	(echo "$1" >"$bus/drivers/vfio-pci/unbind") 2>/dev/null 3>&- 4<&- &
	writer=$!
}

# [faces] A device that another tool is unbinding is UNBIND_PENDING as long as a user has it.
unbind_of_another_tool_is_seen() {
	must_call bind $lone
	hold device $lone
	unbind_by_hand_later $lone
	(
		becomes $lone UNBIND_PENDING
		expect '.managed and .original_driver == "e1000e"'
		must_refuse FAILED_PRECONDITION/UNBIND_PENDING bind $lone
		must_refuse FAILED_PRECONDITION/UNBIND_PENDING unbind $lone
	)
	set -- $?
	let_go
	wait $writer
	[ "$1" = 0 ] || exit 1
	becomes $lone DRIVERLESS
	must_call bind $lone
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [rest simulated] When an unbind from a native driver hangs, the bind says so, and ends when the unbind does.
hanging_native_driver() {
	must_control block unbind $lone
	(
		! short_call 2 bind $lone || fail "it returned"
		expect '.status == "DEADLINE_EXCEEDED"'
		expect_state $lone UNBIND_PENDING
	)
	set -- $?
	must_control unblock unbind $lone
	[ "$1" = 0 ] || exit 1
	becomes $lone VFIO
	expect_driver $lone vfio-pci
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [rest simulated] When one of several devices hangs, the others are brought back at once, and that one later.
one_of_several_hangs() {
	must_control block unbind $lone2
	(
		! short_call 2 bind $lone $lone2 || fail "it returned"
		expect '.status == "DEADLINE_EXCEEDED"'
		expect_given_back $lone e1000e
		expect_state $lone2 UNBIND_PENDING
	)
	set -- $?
	must_control unblock unbind $lone2
	[ "$1" = 0 ] || exit 1
	finishes $lone2 e1000e
	expect_given_back $lone e1000e
}

# [rest simulated] When a probe hangs and vfiod ends, the next vfiod finishes the bind.
hanging_probe_outlives_vfiod() {
	must_control block bind $lone
	(
		! short_call 2 bind $lone || fail "it returned"
		expect '.status == "DEADLINE_EXCEEDED"'
	) || exit 1
	restart_vfiod TERM
	(expect_state $lone UNBIND_PENDING)
	set -- $?
	must_control unblock bind $lone
	[ "$1" = 0 ] || exit 1
	becomes $lone VFIO
	must_call unbind $lone
	expect_given_back $lone e1000e
}
