#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2046 # names of scenarios have no blanks
# In the lab's guest: starts a systemd, in a namespace of processes where it is the first, with
# vfiod.service as its one service, and runs scenarios against that.
#
# Usage: service-guest.sh [SCENARIO]...
set -u

units=/etc/systemd/system
api=http://127.0.0.1:8080

# Targets that every service is ordered by; there is nothing in them here.
write_units() {
	local target
	mkdir -p $units /var/tmp /var/log
	: >/etc/machine-id
	for target in sysinit basic shutdown multi-user sockets timers paths nss-user-lookup; do
		printf '[Unit]\nDescription=%s\n' $target >$units/$target.target
	done
	printf '[Service]\nType=oneshot\nExecStart=/bin/true\n' >$units/systemd-modules-load.service
	# All that uses devices here is in this namespace.
	sed 's|^ExecStart=.*|ExecStart=/usr/local/bin/vfiod --sandbox kill --trust-namespace|' \
		/vfiod.service >$units/vfiod.service
	mkdir $units/vfiod.service.d
	# There is no systemd-tmpfiles.
	mkdir -p /run/vfiod
	chown vfiod:vfiod /run/vfiod
	chmod 2755 /run/vfiod
	# There is no journal.
	printf '[Service]\nStandardOutput=append:/run/vfiod.log\nStandardError=append:/run/vfiod.log\n' \
		>$units/vfiod.service.d/log.conf
	[ ! -e /no-modules.conf ] || {
		cp /no-modules.conf $units/vfiod.service.d
		sed '/^#/d' /modules-load.conf | xargs /sbin/modprobe -a
	}
}

# Waits until the command given succeeds. Usage: within TENTHS COMMAND...
within() {
	local tries=$1
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

answers() { curl -sf -o /dev/null $api/healthz; }

property() { /systemctl show -P "$1" vfiod.service; }

explain() {
	/systemctl status vfiod.service 2>&1
	cat /run/systemd.log
	tail -n 20 /run/vfiod.log
}

# Prints "ok NAME" or "not ok NAME: WHY" for a condition.
judge() {
	local name=$1 value=$2 wanted=$3
	if [ "$value" = "$wanted" ]; then
		echo "ok $name"
	else
		echo "not ok $name: '$value', not '$wanted'"
	fi
}

# That the unit's restrictions are in force, and not just read.
judge_restrictions() {
	local pid root
	pid=$(property MainPID)
	root=/proc/$pid/root
	judge 'service: it is notified of' "$(property ActiveState)/$(property Type)" active/notify
	judge 'service: its disks are there' "$(test -b "$root/dev/nvme0n1" && echo there)" there
	judge 'service: /usr is read-only' "$(awk '$5 == "/usr" || $5 == "/" { print $6 }' \
		"/proc/$pid/mountinfo" | tail -n 1 | cut -c 1-2)" ro
	judge 'service: /sys is read-only' "$(awk '$5 == "/sys" { print $6 }' \
		"/proc/$pid/mountinfo" | tail -n 1 | cut -c 1-2)" ro
	judge 'service: devices of /sys are not' "$(awk '$5 == "/sys/devices" { print $6 }' \
		"/proc/$pid/mountinfo" | tail -n 1 | cut -c 1-2)" rw
	judge 'service: it sees the disks and may write' "$(vfioctl doctor |
		awk '$1 == "disks" || $1 == "sysfs" { printf "%s ", $2 }')" 'pass pass '
	judge 'service: it is confined' "$(awk '/^(NoNewPrivs|Seccomp):/ { printf "%s ", $2 }' \
		"/proc/$pid/status")" '1 2 '
}

# Prints the scenarios of guards and holders but for those that start a vfiod of their own, or play
# the daemon's part themselves.
usual() {
	awk '/^# \[(rest|faces)[^]]*\] / {
		other = /^# \[[^]]*simulated/
		getline
		sub(/\(.*/, "")
		if (!other && !/^(guard_that_may_not_be_forced|disk_that_vfiod_cannot_see|processes_that_vfiod_cannot_see|taken_over_main_.*)$/)
			print
	}' /part-guards.sh /part-holders.sh
}

# It answers, or systemd has given it up.
settled() { answers || [ "$(property ActiveState)" = failed ]; }

# Runs as a child of systemd, beside its services.
drive() {
	local before
	within 600 settled
	if ! answers; then
		echo 'not ok service: vfiod does not answer'
		explain
	else
		judge_restrictions
		before=$(property MainPID)
		[ $# != 0 ] || set -- $(usual)
		/scenarios.sh lab "$@"
		judge 'service: it is the same process as at the start' "$(property MainPID)" "$before"
		[ "$(property NRestarts)" = 0 ] || explain
	fi
	echo >/run/driven
}

case ${1:-} in
--first)
	shift
	mount --make-rshared / # as systemd has it; what is mounted later shows in services
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	drive "$@" &
	exec env container=lab /systemd --unit=vfiod.service --log-target=console \
		>/run/systemd.log 2>&1
	;;
esac

write_units
unshare --pid --fork --mount-proc sh "$0" --first "$@" &
within 9000 test -e /run/driven || echo 'not ok service: it takes too long'
