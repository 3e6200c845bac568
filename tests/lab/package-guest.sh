#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# In the lab's guest with systemd: the life of the package vfiod, from installation to purge.
set -u

device=0000:00:03.0
other=0000:00:04.0
api=http://127.0.0.1:8080

# Waits until the command given succeeds. Usage: within SECONDS COMMAND...
within() {
	local end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt $end ] || return 1
		sleep 0.2
	done
}

# Prints "ok NAME" when the command succeeds, else "not ok NAME" and why.
judge() {
	local name=$1
	shift
	if "$@" >/tmp/judged 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name: $*"
		cat /tmp/judged
		systemctl status vfiod.service --no-pager --lines=20 2>&1 | sed 's/^/# /'
	fi
}

# The same for a value and what it should be.
is() {
	if [ "$2" = "$3" ]; then
		echo "ok $1"
	else
		echo "not ok $1: '$2', not '$3'"
		systemctl status vfiod.service --no-pager --lines=20 2>&1 | sed 's/^/# /'
	fi
}

not() { ! "$@"; }
says() { grep -q "$1" "$2" || { cat "$2" && return 1; }; }
property() { systemctl show -P "$1" vfiod.service; }
active() { systemctl is-active --quiet vfiod.service; }
answers() { curl -sf -o /dev/null $api/healthz; }
driver() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }
has_driver() { [ "$(driver "$1")" = "$2" ]; }
status_is() { [ "$(property StatusText)" = "$1" ]; }
group_of() { basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
pid_is_not() { [ "$(property MainPID)" != "$1" ] && answers; }

# The journal has a line of vfiod's of which jq's filter is true.
journal_has() {
	journalctl -q --output=json _COMM=vfiod | jq -e -s "any($1)" >/dev/null
}

as_alice() {
	# A group that was joined counts from the next login on.
	runuser -u alice -- "$@"
}

# A user of the device, as a virtual machine is; its process is then in $holder.
hold() {
	mkfifo /tmp/holding
	/vfio-user --hold "$(group_of "$1")" "$1" >/tmp/holding 2>&1 &
	holder=$!
	grep -q -x holding /tmp/holding || echo "not ok a VFIO user could not have $1"
	rm /tmp/holding
}

let_go() {
	kill "$holder"
	wait "$holder" 2>/dev/null
}

install_it() {
	judge 'install: dpkg' dpkg -i /vfiod.deb
	judge 'install: there is the user' getent passwd vfiod
	judge 'install: there is the group' getent group vfiod
	is 'install: it does not run' "$(systemctl is-active vfiod.service)" inactive
	is 'install: it is not enabled' "$(systemctl is-enabled vfiod.service)" disabled
	is 'install: the folder of the sockets' "$(stat -c '%U:%G %a' /run/vfiod)" 'vfiod:vfiod 2755'
	judge 'install: manual pages' test -f /usr/share/man/man8/vfiod.8.gz -a \
		-f /usr/share/man/man1/vfioctl.1.gz
	judge 'install: protos and the OpenAPI document' test -f /usr/share/vfiod/openapi.json -a \
		-f /usr/share/vfiod/proto/vfio/v1/device_service.proto
	judge 'install: the simulated host' dpkg -i /simhost.deb
	judge 'install: host files are right' simhost --check /usr/share/vfiod/hosts/lab.host
}

start_it() {
	judge 'start: enable --now' systemctl enable --now vfiod.service
	is 'start: it is ready' "$(property ActiveState)/$(property SubState)" active/running
	judge 'start: it answers' answers
	judge 'start: it says so' within 10 status_is Serving
	judge 'start: the journal has its line' within 10 \
		sh -c 'journalctl -q -u vfiod.service --no-pager | grep -q "serving REST on"'
	is 'start: its sockets are the group'\''s' "$(stat -c '%G %a' /run/vfiod/rpc.sock)" 'vfiod 660'
}

use_it() {
	usermod --append --groups vfiod alice
	as_alice vfioctl doctor >/tmp/doctor 2>&1
	judge 'use: a member of the group asks the doctor' says '^iommu  *pass' /tmp/doctor
	judge 'use: another user may not' not runuser -u nobody -- vfioctl list
	judge 'use: a member of the group binds' as_alice vfioctl bind $device
	is 'use: the device has vfio-pci' "$(driver $device)" vfio-pci
	judge 'use: the journal tells who bound what' within 10 journal_has \
		".VFIOD_DEVICES == \"$device\" and .VFIOD_OUTCOME == \"done\" and
		.VFIOD_CALLER_USER == \"alice\" and .VFIOD_CALLER_COMMAND == \"vfioctl\" and
		.VFIOD_CALLER_UID == \"$(id -u alice)\" and .PRIORITY == \"6\""
	judge 'use: the NIC with the default route is refused' not as_alice vfioctl bind 0000:00:02.0
	judge 'use: the journal tells of the refusal, and why' within 10 journal_has \
		'.VFIOD_OUTCOME == "refused" and .VFIOD_REASON == "NIC_IN_USE" and .PRIORITY == "5"'
	is 'use: no line bears the name twice' \
		"$(journalctl -q --output=cat _COMM=vfiod | grep -c '^vfiod:')" 0
}

reload_it() {
	local pid helper
	pid=$(property MainPID)
	helper=$(pgrep -P "$pid")
	judge 'reload: systemctl reload' systemctl reload vfiod.service
	judge 'reload: the journal tells' within 10 \
		sh -c 'journalctl -q -u vfiod.service --no-pager | grep -q "nothing that could be read again"'
	kill -HUP "$helper"
	judge 'reload: it answers' answers
	judge 'reload: a member of the group may still ask' as_alice vfioctl list
	is 'reload: it is the same process' "$(property MainPID)" "$pid"
	is 'reload: it has the same helper' "$(pgrep -P "$pid")" "$helper"
}

# Restarts it; how many milliseconds that took is then in $took.
restart_timed() {
	local before
	before=$(date +%s%3N)
	judge "$1: systemctl restart" systemctl restart vfiod.service
	took=$(($(date +%s%3N) - before))
	echo "# $1: it took $took ms"
}

# A restart itself takes seconds on an emulated CPU; the pending change must not add to that.
restart_it() {
	local alone
	restart_timed 'restart, nothing pending'
	alone=$took
	hold $device
	as_alice vfioctl --timeout 20 unbind --force VFIO_IN_USE $device >/tmp/unbind 2>&1
	judge 'restart: an unbind is pending' says UNBIND_PENDING /tmp/unbind
	judge 'restart: systemd is told' within 15 status_is 'Serving, 1 change pending'
	restart_timed restart
	journalctl --sync
	journalctl -q -u vfiod.service --no-pager -o short-precise -n 12 | sed 's/^/# /'
	judge 'restart: it waits less than 3 s for the change' test $((took - alone)) -lt 3000
	judge 'restart: the change is still pending' within 15 status_is 'Serving, 1 change pending'
	let_go
	judge 'restart: the new daemon finishes it' within 20 has_driver $device e1000e
	judge 'restart: systemd is told' within 15 status_is Serving
}

kill_it() {
	local pid
	pid=$(property MainPID)
	kill -9 "$pid"
	judge 'kill -9: systemd starts it again' within 20 pid_is_not "$pid"
	is 'kill -9: once' "$(property NRestarts)" 1
	# The same for one that hangs.
	mkdir -p /run/systemd/system/vfiod.service.d
	printf '[Service]\nWatchdogSec=6\nTimeoutAbortSec=2\n' >/run/systemd/system/vfiod.service.d/watchdog.conf
	systemctl daemon-reload
	systemctl restart vfiod.service
	pid=$(property MainPID)
	kill -STOP "$pid"
	judge 'watchdog: systemd starts one that hangs again' within 40 pid_is_not "$pid"
	rm -r /run/systemd/system/vfiod.service.d
	systemctl daemon-reload
	systemctl restart vfiod.service
	judge 'watchdog: it answers' within 10 answers
}

upgrade_it() {
	local pid
	judge 'upgrade: bind' as_alice vfioctl bind $other
	hold $other
	pid=$(property MainPID)
	judge 'upgrade: dpkg' dpkg -i /newer.deb
	judge 'upgrade: the new one runs' within 20 pid_is_not "$pid"
	judge 'upgrade: it is still enabled' systemctl is-enabled vfiod.service
	judge 'upgrade: the virtual machine runs on' kill -0 "$holder"
	is 'upgrade: the device has vfio-pci' "$(driver $other)" vfio-pci
	is 'upgrade: it is known whose it was' "$(as_alice vfioctl --json info $other |
		jq -r .original_driver)" e1000e
	judge 'upgrade: a device in use is still refused' not as_alice vfioctl unbind $other
	let_go
	judge 'upgrade: it is given back' within 20 as_alice vfioctl unbind $other
	is 'upgrade: the device has its driver' "$(driver $other)" e1000e
}

narrow_it() {
	install -D -m 644 /usr/share/vfiod/no-modules.conf \
		/etc/systemd/system/vfiod.service.d/no-modules.conf
	systemctl daemon-reload
	judge 'no modules: restart' systemctl restart vfiod.service
	judge 'no modules: bind' as_alice vfioctl bind $device
	judge 'no modules: unbind' as_alice vfioctl unbind $device
	rm -r /etc/systemd/system/vfiod.service.d
	systemctl daemon-reload
	systemctl stop vfiod.service
}

listen_for_it() {
	judge 'socket: start' systemctl start vfiod.socket
	is 'socket: vfiod does not run' "$(systemctl is-active vfiod.service)" inactive
	judge 'socket: a connection starts it' answers
	judge 'socket: it runs' active
}

remove_it() {
	judge 'remove: dpkg' dpkg -r vfiod
	judge 'remove: it does not run' not pgrep -x vfiod
	judge 'remove: nobody listens' not answers
	judge 'remove: the state stays' test -f /var/lib/vfiod/daemon/state.db
}

purge_it() {
	local uid gid
	uid=$(id -u vfiod) gid=$(getent group vfiod | cut -d : -f 3)
	judge 'purge: dpkg' dpkg -P vfiod vfiod-simhost
	{
		find / /run -xdev \( -path /proc -o -path /sys -o -path /var/log/journal -o -path /lab \) \
			-prune -o \( -name '*vfiod*' -o -uid "$uid" -o -gid "$gid" \) ! -path '/*.deb' -print
		grep -l vfiod /etc/passwd /etc/group /etc/shadow /etc/gshadow
	} >/tmp/left 2>/dev/null
	is 'purge: nothing is left' "$(tr '\n' ' ' </tmp/left)" ''
	is 'purge: no unit is left' "$(systemctl list-units --all --no-legend 'vfiod*')" ''
}

case $LAB_BOOT in
1)
	install_it
	start_it
	use_it
	reload_it
	restart_it
	kill_it
	upgrade_it
	reboot
	;;
2)
	judge 'boot: it is started' within 30 answers
	judge 'boot: vfio-pci is loaded' test -d /sys/bus/pci/drivers/vfio-pci
	narrow_it
	listen_for_it
	remove_it
	purge_it
	;;
esac
