#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The systemd unit: how exposed systemd takes it to be, and that it blinds no guard.
#
# Usage: unit.sh FOLDER: where the unit and its drop-in are
set -euo pipefail

folder=$1
export LC_ALL=C
command -v systemd-analyze >/dev/null || {
	echo "skipped: there is no systemd-analyze (apt install systemd)"
	exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

wrong() {
	echo "$*"
	failed=1
}

# below LIMIT WHAT: the score of $work/vfiod.service, in tenths.
below() {
	local said score
	said=$(systemd-analyze security --offline=true --no-pager "$work/vfiod.service" 2>&1)
	score=$(sed -n 's/.*Overall exposure level for vfiod.service: \([0-9]*\)\.\([0-9]\).*/\1\2/p' \
		<<<"$said")
	[[ -n $score ]] || {
		wrong "$2: no score in what systemd-analyze says: $said"
		return
	}
	echo "$2: $((score / 10)).$((score % 10))"
	((10#$score < $1)) || wrong "$2: that is not below $(($1 / 10)).$(($1 % 10))"
	! grep -iE 'ignoring|unknown' <<<"$said" || wrong "$2: there is what systemd does not know"
}

# What facts for a guard lie behind; see the end of the unit.
blinding='PrivateDevices|ProtectProc|ProcSubset|PrivatePIDs|PrivateUsers|PrivateNetwork|RootDirectory|RootImage'

cp "$folder/vfiod.service" "$work"
below 35 'vfiod.service'
! grep -E "^($blinding)=" "$work/vfiod.service" || wrong 'that would blind a guard'
grep -qx 'DeviceAllow=block-\* r' "$work/vfiod.service" || wrong 'disks could not be looked at'
grep -qx 'ReadWritePaths=/sys/bus/pci /sys/devices' "$work/vfiod.service" ||
	wrong 'no device could be bound'
! grep -E '^RuntimeDirectory=' "$work/vfiod.service" || wrong 'a reload would shut out the group'
grep -qx 'KillMode=process' "$work/vfiod.service" || wrong 'a blocked write would delay a restart'
mkdir "$work/vfiod.service.d"
cp "$folder/no-modules.conf" "$work/vfiod.service.d"
below 30 'vfiod.service with no-modules.conf'
exit $failed
