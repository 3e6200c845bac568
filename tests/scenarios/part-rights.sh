# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2016,SC2086,SC2154
# (In single quotes, $x is a variable of jq; scenario.sh sets addresses, which have no blanks.)
# Who may change devices, and who cannot get another user's rights. To be sourced by scenarios.sh.

# A bind over REST with curl's further arguments; the answer is in $body, its status in $http.
# Usage: bind_as USER [ARGUMENT]...
bind_as() {
	local user=$1 word line=''
	shift
	set -- -s -m 60 -w '%{http_code}' -H Content-Type:application/json "$@" \
		-d "{\"pci_addresses\":[\"$lone\"]}" "$api/api/v1/vfio/devices/bind"
	for word; do
		line="$line '$word'"
	done
	http=$(su -s /bin/sh "$user" -c "curl $line" | tee "$body" | tail -c 3)
	sed -i 's/...$//' "$body"
}

# [rest lab] Who closes, half closes, resets or hands on a connection, or leaves its port to root, gets no rights: a thousand tries.
leaving_gives_no_rights() {
	/impostor "${api##*:}" "$(id -u alice)" $lone e1000e ||
		fail "$(grep -v nothing "$work/output" | tail -n 1)"
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [rest lab] A member of group vfiod may change devices; a user in no group may not.
member_may_change() {
	bind_as bob
	[ "$http" = 200 ] || fail "bob: HTTP status $http: $(cat "$body")"
	must_call unbind $lone
	bind_as alice
	[ "$http" = 403 ] || fail "alice: HTTP status $http"
	expect --arg id " uid $(id -u alice)" '.message | contains($id)'
	expect_given_back $lone e1000e
}

# [rest lab] A member who is in hundreds of groups may change devices, too.
member_of_many_groups_may_change() {
	local n=0 groups=/etc/group users=/etc/passwd
	cp $groups $users "$work"
	echo 'carol:x:1002:1002::/tmp:/bin/sh' >>$users
	echo 'carol:x:1002:' >>$groups
	while [ $n -lt 400 ]; do
		echo "g$n:x:$((2000 + n)):carol"
		n=$((n + 1))
	done >>$groups
	sed -i '/^vfiod:/d' $groups
	echo 'vfiod:x:990:bob,carol' >>$groups
	bind_as carol
	cp "$work/group" $groups
	cp "$work/passwd" $users
	[ "$http" = 200 ] || fail "HTTP status $http: $(cat "$body")"
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [rest lab] A relay's rights are not its clients': a request that was passed on, even by root, changes nothing.
relay_has_no_rights() {
	local header
	for header in X-Forwarded-For:203.0.113.9 X-Real-IP:203.0.113.9 Forwarded:for=203.0.113.9 \
		Via:1.1 X-Forwarded-Host:localhost X-Forwarded-Proto:https; do
		bind_as root -H $header
		[ "$http" = 403 ] || fail "$header: HTTP status $http"
		expect '.status == "PERMISSION_DENIED" and (.message | contains("API key"))'
	done
	expect_driver $lone e1000e
}

# [rest] A web page of another origin changes nothing in any user's browser; a page of vfiod's own may.
foreign_page_changes_nothing() {
	local header
	for header in Origin:https://evil.example Origin:null Sec-Fetch-Site:cross-site \
		Origin:http://localhost:1; do
		http=$(curl -s -m 60 -o "$body" -w '%{http_code}' -H Content-Type:application/json \
			-H $header -d "{\"pci_addresses\":[\"$lone\"]}" "$api/api/v1/vfio/devices/bind")
		[ "$http" = 403 ] || fail "$header: HTTP status $http"
		expect '.status == "PERMISSION_DENIED" and .message != ""'
	done
	expect_driver $lone e1000e
	http=$(curl -s -m 60 -o "$body" -w '%{http_code}' -H Content-Type:application/json \
		-H "Origin:$api" -d "{\"pci_addresses\":[\"$lone\"]}" "$api/api/v1/vfio/devices/bind")
	[ "$http" = 200 ] || fail "vfiod's own page: HTTP status $http: $(cat "$body")"
	must_call unbind $lone
	expect_given_back $lone e1000e
}

# [rest lab] A --root with the kernel's own file systems mounted below it is no simulated host: others change nothing.
root_that_is_real() {
	local real pid
	load_vfio
	mkdir -p "$work/real/sys" "$work/real/dev" "$work/real/proc"
	for real in sys dev; do
		# In a mount namespace, so that nothing of it is left when the daemon ends.
		# shellcheck disable=SC2016  # the shell within is to see them
		unshare -m sh -c '
			mount -o bind "/$2" "$1/real/$2" && mount -o bind /proc "$1/real/proc" &&
			exec vfiod --root "$1/real" --http 127.0.0.1:8081 --state "$1/real-state" \
				--rpc "ipc://$1/real-run/rpc.sock" --events "ipc://$1/real-run/events.sock"' \
			sh "$work" $real >"$work/real.log" 2>&1 3>&- 4<&- &
		pid=$!
		api=http://127.0.0.1:8081
		eventually answers || fail "/$real: no answer: $(tail -n 1 "$work/real.log")"
		bind_as alice
		[ "$http" = 403 ] || fail "/$real: alice: HTTP status $http: $(cat "$body")"
		expect_driver $lone e1000e
		if [ $real = sys ]; then
			bind_as root
			[ "$http" = 200 ] || fail "root: HTTP status $http: $(cat "$body")"
			must_call unbind $lone
			expect_given_back $lone e1000e
		fi
		kill $pid
		eventually gone $pid || fail "it does not end"
	done
}
