# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# Start and end of vfiod, its privileges, its callers' rights, and owners of nodes. To be sourced by scenarios.sh.

# [faces] A driver that one vfiod recorded is restored by the next, however the first one ended.
restart_keeps_drivers() {
	local signal
	for signal in TERM KILL; do
		set_override $lone2 e1000e
		must_call bind $lone $lone2 $shared_nic
		restart_vfiod $signal
		expect_state $lone VFIO
		expect '.managed and .original_driver == "e1000e"'
		must_call bind $lone
		must_call unbind $lone $lone2 $shared_nic
		expect_given_back $lone e1000e
		expect_driver $lone2 e1000e
		expect_override $lone2 e1000e
		set_override $lone2 ''
		expect_given_back $shared_nic e1000
	done
}

# [faces] An override that another tool had set, and that names no driver, is restored too.
restart_keeps_overrides() {
	local signal
	for signal in TERM KILL; do
		set_override $lone2 kept_by_a_tool
		must_call bind $lone2
		expect_override $lone2 vfio-pci
		restart_vfiod $signal
		must_call unbind $lone2
		expect_driver $lone2 e1000e
		expect_override $lone2 kept_by_a_tool
		set_override $lone2 ''
	done
}

# [rest] After a kill at any moment of a bind, the next vfiod finds the devices whole and returns them.
killed_while_binding() {
	local delay caller
	for delay in 0.01 0.03 0.05 0.1 0.2 0.3; do
		(post bind "{\"pci_addresses\":[\"$lone\",\"$port_nic\"]}") 2>/dev/null 3>&- 4<&- &
		caller=$!
		sleep $delay
		restart_vfiod KILL
		wait $caller || true
		must_call unbind $lone $port_nic
		expect_given_back $lone e1000e
		expect_given_back $port_nic e1000e
	done
}

# [rest] After a kill at any moment of an unbind, too, the devices are whole.
killed_while_unbinding() {
	local delay caller
	for delay in 0.01 0.03 0.1 0.2; do
		must_call bind $lone $port_nic
		(post unbind "{\"pci_addresses\":[\"$lone\",\"$port_nic\"]}") 2>/dev/null 3>&- 4<&- &
		caller=$!
		sleep $delay
		restart_vfiod KILL
		wait $caller || true
		must_call unbind $lone $port_nic
		expect_given_back $lone e1000e
		expect_given_back $port_nic e1000e
	done
}

# [rest simulated] Repair does not take away what the host began to use while no vfiod ran.
used_when_vfiod_comes_back() {
	local nic
	must_call bind $lone
	must_control block bind $lone
	(post unbind "{\"pci_addresses\":[\"$lone\"]}") 2>/dev/null 3>&- 4<&- &
	eventually expect_quietly_driver $lone e1000e || fail "the unbind does not come that far"
	stop_vfiod KILL
	must_control unblock bind $lone
	eventually test -d "$pci/$lone/net" || fail "the driver makes no interface"
	nic=$(nic_of $lone)
	net "$nic" up
	net "$nic" address
	start_vfiod
	wait
	(expect_driver $lone e1000e && expect_state $lone HOST)
	set -- $?
	net "$nic" no-address
	net "$nic" down
	[ "$1" = 0 ] || exit 1
	must_call bind $lone
	must_call unbind $lone
	expect_given_back $lone e1000e
}

expect_quietly_driver() { [ "$(driver_of "$1")" = "$2" ]; }

# [rest] SIGTERM ends vfiod with status 0 and leaves bound devices as they are.
sigterm_exits_zero() {
	local pid status=0
	must_call bind $lone
	stop_vfiod TERM
	spawn_vfiod
	pid=$!
	vfiod_is_up
	kill -TERM $pid
	wait $pid || status=$?
	start_vfiod
	[ $status = 0 ] || fail "exit status $status"
	expect_state $lone VFIO
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# Prints the processes that have the REST face's listening socket.
listeners() {
	local port inode pid fd
	port=$(printf %04X "${api##*:}")
	inode=$(awk -v a="0100007F:$port" '$2 == a && $4 == "0A" { print $10; exit }' /proc/net/tcp)
	for pid in $(vfiod_processes); do
		for fd in "/proc/$pid/fd"/*; do
			[ "$(readlink "$fd")" != "socket:[$inode]" ] || {
				echo "$pid"
				break
			}
		done
	done
}

# [faces] The process that parses requests has no privileges; only one process is root, and it does not listen.
parser_has_no_privileges() {
	local pid found='' roots=0 field user group
	[ "$(id -u)" = 0 ] || skip "vfiod was not started by root"
	user=$(daemon_user) group=$(id -g nobody)
	must_call bind $lone
	for pid in $(listeners); do
		found=1
		[ "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$pid/status")" = "$user $user $user $user" ] ||
			fail "process $pid runs as $(grep '^Uid:' "/proc/$pid/status")"
		for field in CapInh CapPrm CapEff CapAmb; do
			grep -q "^$field:[[:space:]]*0*$" "/proc/$pid/status" ||
				fail "process $pid has $(grep "^$field:" "/proc/$pid/status")"
		done
		[ "$(awk '/^(Gid|Groups):/ { $1 = ""; printf "%s", $0 }' "/proc/$pid/status")" = " $group $group $group $group" ] ||
			fail "process $pid is in other groups than nobody's: $(grep -E '^(Gid|Groups):' "/proc/$pid/status")"
	done
	[ -n "$found" ] || fail "no process has the listening socket"
	for pid in $(vfiod_processes); do
		! grep -q '^Uid:[[:space:]]*0[[:space:]]' "/proc/$pid/status" || roots=$((roots + 1))
	done
	[ $roots = 1 ] || fail "$roots processes of vfiod run as root"
	must_call unbind $lone
}

# Usage: expect_status PID FIELD VALUE
expect_status() {
	[ "$(awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status")" = "$3" ] ||
		fail "process $1 has $(grep "^$2:" "/proc/$1/status"), not $3"
}

# [rest] Both processes have a filter of system calls, no new privileges, no core, few capabilities.
both_processes_are_confined() {
	local pid field capabilities=000000000009000d user
	[ "$(id -u)" = 0 ] || skip "vfiod was not started by root"
	[ -z "$root" ] || capabilities=000000000008000d # there is no module to be loaded
	user=$(daemon_user)
	for pid in $(vfiod_processes); do
		expect_status $pid Seccomp 2
		expect_status $pid NoNewPrivs 1
		grep -q '^Max core file size  *0  *0 ' "/proc/$pid/limits" ||
			fail "process $pid may leave a core"
		if [ "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" = "$user" ]; then
			set -- 0000000000000000
		else
			set -- $capabilities
		fi
		for field in CapPrm CapEff CapBnd; do
			expect_status $pid $field "$1"
		done
		expect_status $pid CapInh 0000000000000000
		expect_status $pid CapAmb 0000000000000000
	done
}

# [rest lab] A user without rights may read over REST, and change nothing.
stranger_over_rest() {
	local type=Content-Type:application/json answer=/tmp/stranger
	http=$(as_stranger curl -s -o $answer -w '%{http_code}' -H $type \
		-d "{\"pci_address\":\"$lone\"}" "$api/api/v1/vfio/devices/info")
	[ "$http" = 200 ] || fail "info: HTTP status $http"
	http=$(as_stranger curl -s -o $answer -w '%{http_code}' -H $type \
		-d "{\"pci_addresses\":[\"$lone\"]}" "$api/api/v1/vfio/devices/bind")
	[ "$http" = 403 ] || fail "bind: HTTP status $http"
	jq -e '.status == "PERMISSION_DENIED" and .message != ""' <$answer >/dev/null ||
		fail "bind: $(cat $answer)"
	rm -f $answer
	expect_driver $lone e1000e
}

# [rest] A user without rights changes nothing over RPC, and is told why.
stranger_over_rpc() {
	as_stranger true || fail "nobody can be somebody else here"
	! as_stranger vfioctl --rpc "$rpc" bind $lone >"$body" 2>&1 || fail "bind was not refused"
	[ -s "$body" ] || fail "bind was refused without a word"
	expect_driver $lone e1000e
}

node_is() { [ "$(stat -c '%u %g %a' "$1")" = "$2" ]; }

expect_node() { node_is "$1" "$2" || fail "$1 is $(stat -c '%u %g %a' "$1"), not $2"; }

# [faces] When bind returns, the node has the requested owner and mode; after unbind they are gone.
node_owner_and_mode() {
	[ "$(id -u)" = 0 ] || skip "to give a node away, one must be root"
	must_call bind --node-owner 1234:root --node-mode 0640 $lone
	expect_node "$(node_of $lone)" '1234 0 640'
	must_call unbind $lone
	expect_given_back $lone e1000e
	[ ! -e "$(node_of $lone)" ] || fail "the node is still there"
	must_call bind $lone
	node_is "$(node_of $lone)" '0 0 600' || fail "owner and mode were remembered"
	must_call unbind $lone
}

# [faces] When another tool changes the node's owner or mode, vfiod sets them again.
node_mode_is_kept() {
	local node
	[ "$(id -u)" = 0 ] || skip "to give a node away, one must be root"
	must_call bind --node-owner :1234 --node-mode 0660 $lone
	node=$(node_of $lone)
	chmod 600 "$node"
	eventually node_is "$node" '0 1234 660' || expect_node "$node" '0 1234 660'
	chown 0:0 "$node"
	eventually node_is "$node" '0 1234 660' || expect_node "$node" '0 1234 660'
	must_call unbind $lone
}

# [faces] vfiod sets the node's owner or mode again after a restart, too.
node_mode_is_kept_over_a_restart() {
	local node
	[ "$(id -u)" = 0 ] || skip "to give a node away, one must be root"
	must_call bind --node-mode 0640 $lone
	node=$(node_of $lone)
	stop_vfiod KILL
	chmod 600 "$node"
	start_vfiod
	eventually node_is "$node" '0 0 640' || expect_node "$node" '0 0 640'
	must_call unbind $lone
}

# [faces] No node is given to the user that vfiod runs as.
node_is_not_for_vfiod_itself() {
	[ "$(id -u)" = 0 ] || skip "vfiod was not started by root"
	remember
	must_refuse INVALID_ARGUMENT bind --node-owner "$(daemon_user)" $lone
	must_refuse INVALID_ARGUMENT bind --node-owner 1234:nogroup $lone
	expect_unchanged
}

# [faces] An unknown owner or an invalid mode is refused before anything is done.
wrong_node_owner_is_refused() {
	remember
	must_refuse INVALID_ARGUMENT bind --node-owner nosuchuser $lone
	must_refuse INVALID_ARGUMENT bind --node-owner root:nosuchgroup $lone
	must_refuse INVALID_ARGUMENT bind --node-mode 0777 $lone
	must_refuse INVALID_ARGUMENT bind --node-mode 0666 $lone
	must_refuse INVALID_ARGUMENT bind --node-mode rw $lone
	expect_unchanged
}
