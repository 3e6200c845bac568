# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# One running guest: started from $lab_temporary/image, followed over its two ports, ended.

guest_pid='' guest_reader='' guest_up=0

# The kernel's folder and, for a guest with systemd, its disk; the lab's verbs set them.
guest_kernel='' guest_disk=''

# The last line saves time only: what it leaves out, the lab does not look at.
readonly guest_command_line="console=ttyS0 intel_iommu=on quiet random.trust_cpu=on \
mitigations=off cryptomgr.notests audit=0 apparmor=0 no_timer_check"

# Units of systemd that nobody misses here; each takes the emulated CPU a second.
readonly guest_masked_units=(
	modprobe@efi_pstore.service modprobe@drm.service systemd-pstore.service
	systemd-network-generator.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
	sys-kernel-tracing.mount systemd-random-seed.service
)

# What differs between a guest that may reboot and one that may not: what it is to do then, and the
# disk that it has for that. What is written to that disk goes to a file in the temporary folder that
# QEMU removes at once. The disk is at the AHCI controller, which a guest has anyway.
# Prints QEMU's arguments, one a line.
guest_kind() {
	if [[ $guest_disk ]]; then
		printf '%s\n' -drive "if=none,id=root,format=raw,snapshot=on,cache=unsafe,file=$guest_disk" \
			-device ide-hd,drive=root,bus=ide.0 -append \
			"$guest_command_line systemd.unit=lab.target systemd.show_status=0 $(
				printf ' systemd.mask=%s' "${guest_masked_units[@]}")"
	else
		printf '%s\n' -no-reboot -append "$guest_command_line panic=-1"
	fi
}

# The kernel to start: without its compression where the cache has it so, which saves the
# emulated CPU a second or two.
guest_kernel_file() {
	local kernel=$guest_kernel/vmlinux
	[[ -e $kernel ]] || kernel=${kernel%x}z
	printf '%s\n' "$kernel"
}

# Starts QEMU. Two fifos stand for the guest's ports: one is copied to our standard output, the
# other is held open here and read line by line.
# Usage: guest_start [NETDEV_OPTIONS [QEMU_ARGUMENT...]]
guest_start() {
	local dir arguments input
	dir=$(mktemp -d "$lab_temporary/guest.XXXXXX")
	guest_dir=$dir guest_up=0
	mkfifo "$dir/output" "$dir/status"
	truncate -s 16M "$dir/disk" "$dir/namespace"
	exec {guest_status}<>"$dir/status"
	cat "$dir/output" &
	guest_reader=$!
	mapfile -t arguments < <(machine_arguments "$dir" && guest_kind)
	# What runs in the background would have no standard input, which a shell in the guest needs.
	exec {input}<&0
	# However this process ends, the guest ends with it.
	TMPDIR=$dir setpriv --pdeathsig TERM qemu-system-x86_64 "${arguments[@]}" \
		-netdev "user,id=mgmt,restrict=on${1:+,$1}" "${@:2}" \
		-kernel "$(guest_kernel_file)" -initrd "$lab_temporary/image" \
		<&"$input" 2>"$dir/qemu.log" &
	guest_pid=$!
	exec {input}<&-
}

guest_reader_gone() { ! kill -0 "$guest_reader" 2>/dev/null; }

# Waits at most SECONDS (0: for ever) for the guest's next status line, puts it into guest_line;
# fails when time is up, the guest is gone or nobody reads its output any more.
guest_wait_line() {
	local end=$((SECONDS + $1))
	while ! IFS= read -r -t 1 -u "$guest_status" guest_line; do
		if ! kill -0 "$guest_pid" 2>/dev/null; then
			IFS= read -r -t 0.1 -u "$guest_status" guest_line
			return
		fi
		! guest_reader_gone && (($1 == 0 || SECONDS < end)) || return
	done
}

# Ends the guest and waits until all it printed is out.
guest_stop() {
	[[ -n $guest_pid ]] || return 0
	kill "$guest_pid" 2>/dev/null || true
	wait "$guest_pid" 2>/dev/null || true
	# A guest that never came up may not have opened the fifo that its reader waits at.
	((guest_up)) || kill "$guest_reader" 2>/dev/null || true
	wait "$guest_reader" 2>/dev/null || true
	guest_pid='' guest_reader=''
	exec {guest_status}>&-
}

guest_show_why() {
	sed -e '/has no peer$/d' -e 's/^/lab: qemu: /' "$guest_dir/qemu.log" >&2
	tr -d '\r' <"$guest_dir/console" 2>/dev/null | tail -n 30 | sed 's/^/lab: console: /' >&2
}

# Starts a guest and waits until it is up. Emulated boots stall now and then: there is a second
# try, before which nothing of the command has run.
guest_boot() {
	local try
	for try in 1 2; do
		guest_start "$@"
		if guest_wait_line "$option_boot" && [[ $guest_line == up ]]; then
			guest_up=1
			return
		fi
		guest_stop
		((try > 1)) || say "the guest did not come up, trying once more"
	done
	guest_show_why
	die "the guest does not boot (see above)"
}

# Follows the guest to the end of its command and returns the command's exit status. Calls
# on_ready when the command says that it is.
guest_follow() {
	local status='' end=$((SECONDS + option_timeout)) left=0
	while [[ -z $status ]]; do
		((!option_timeout)) || left=$((end > SECONDS ? end - SECONDS : 1))
		guest_wait_line "$left" || break
		case $guest_line in
		ready) on_ready ;;
		'exit '*) status=${guest_line#exit } ;;
		esac
	done
	if [[ -n $status ]]; then
		guest_stop
		return "$status"
	elif guest_reader_gone && kill -0 "$guest_pid" 2>/dev/null; then
		guest_stop
		return 141
	elif kill -0 "$guest_pid" 2>/dev/null; then
		guest_stop
		say "the command ran longer than $option_timeout s and was ended"
		return 124
	fi
	guest_stop
	guest_show_why
	die "the guest ended before its command did (see above)"
}
