# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# The image that a guest with a Debian root starts from.

# What the kernel needs before it has its disk.
readonly systemd_modules=(ahci sd_mod ext4 crc32c_generic)

# Prints the modules to load, in that order, as paths. Usage: systemd_module_files KERNEL RELEASE
systemd_module_files() {
	local module
	for module in "${systemd_modules[@]}"; do
		modprobe -d "$1" -S "$2" --show-depends "$module" 2>/dev/null || true
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# Makes the image that a guest starts from: it mounts the disk and puts onto it, at the first boot,
# what this run brings.
# Usage: systemd_image OUT KERNEL MODE COMMAND [FILE...]
systemd_image() {
	local out=$1 root=$1.root kernel=$2 release file
	release=$(basename "$kernel"/lib/modules/*)
	mkdir -p "$root"/{bin,dev,proc,disk,modules,add/lab,add/etc/systemd/{system,network}}
	cp /usr/bin/busybox "$root/bin"
	install -m 755 "$lab_parts/systemd/init" "$root/init"
	for file in $(systemd_module_files "$kernel" "$release"); do
		cp "$file" "$root/modules"
		basename "$file" >>"$root/modules/order"
	done
	install -m 755 "$lab_parts/systemd/run" "$root/add/lab"
	cp "$lab_parts"/systemd/lab.* "$root/add/etc/systemd/system"
	cp "$lab_parts"/systemd/10-mgmt0.* "$root/add/etc/systemd/network"
	printf '%s\n' "$3" >"$root/add/lab/mode"
	printf '%s\n' "$4" >"$root/add/lab/command"
	shift 4
	for file; do
		install -m "$(stat -L -c %a "$file")" "$file" "$root/add/$(basename "$file")"
	done
	image_pack "$root" "$out"
}
