# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# The guest's root file system, in three layers that the kernel unpacks one over the other: a
# base (system tools and modules) and the project's programs, both cached by what is in them, and
# what one run adds.

readonly image_modules=(
	virtio_pci virtio_net virtio_console virtio_rng e1000 e1000e igb igbvf nvme ahci i2c_i801
	lpc_ich tcp_diag vfio_pci vfio_iommu_type1 pci_stub uio_pci_generic xhci_pci ftdi_sio
	usbhid hid_generic evdev ext4 vfat nls_cp437 nls_ascii
	nls_iso8859_1 crc32c_generic fuse loop dm_mod raid1 bonding bridge macvlan 8021q dummy
)

# Prints the shared libraries of the given programs, loader included, as paths below /usr.
image_libraries() {
	{ ldd "$@" 2>/dev/null || true; } | grep -v ':$' | grep -o '/[^ ]*' | sort -u |
		sed 's|^/lib|/usr/lib|' | sort -u
}

# Packs the tree in DIR. Without compression: to unpack costs the emulated CPU more than to load.
# Usage: image_pack DIR FILE
image_pack() {
	(cd "$1" && find . -mindepth 1 -print0 | sort -z |
		cpio -0 -o -H newc --quiet --owner=+0:+0) >"$2"
}

# Copies files to the same place below DIR, links followed.
# Usage: image_copy DIR FILE...
image_copy() {
	local dir=$1 file
	shift
	for file; do
		install -D -m "$(stat -L -c %a "$file")" "$file" "$dir$file"
	done
}

image_modules_into() {
	local dir=$1 kernel=$2 release=$3 tree=lib/modules/$3 module
	for module in "${image_modules[@]}"; do
		modprobe -d "$kernel" -S "$release" --show-depends "$module" 2>/dev/null || true
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u >"$dir.modules"
	(cd "$kernel" && sed "s|^.*/$tree/|$tree/|" "$dir.modules" | cpio -p -d --quiet "$dir/usr")
	cp "$kernel/$tree"/modules.{builtin,builtin.modinfo,order} "$dir/usr/$tree"
	depmod -b "$dir/usr" "$release"
}

image_accounts_into() {
	cat >"$1/etc/passwd" <<-END
		root:x:0:0:root:/root:/bin/sh
		nobody:x:65534:65534:nobody:/:/bin/sh
		vfiod:x:990:990:VFIO device daemon:/:/bin/false
		alice:x:1000:1000:a user like any other:/tmp:/bin/sh
		bob:x:1001:1001:a user of group vfiod:/tmp:/bin/sh
	END
	cat >"$1/etc/group" <<-END
		root:x:0:
		tty:x:5:
		nogroup:x:65534:
		vfiod:x:990:bob
		alice:x:1000:
		bob:x:1001:
	END
	echo '127.0.0.1 localhost' >"$1/etc/hosts"
	echo lab >"$1/etc/hostname"
}

image_busybox_into() {
	local applet path
	image_copy "$1" /usr/bin/busybox
	for applet in $(/usr/bin/busybox --list-full); do
		path=/usr/${applet#usr/}
		[[ $path != */busybox ]] && mkdir -p "$1${path%/*}" && ln -s /usr/bin/busybox "$1$path"
	done
	for applet in modprobe lsmod insmod rmmod modinfo depmod; do
		rm -f "$1/usr/bin/$applet"
		ln -sf /usr/bin/kmod "$1/usr/sbin/$applet"
	done
}

# Usage: image_base_tree DIR KERNEL RELEASE
image_base_tree() {
	local dir=$1 top programs=(/usr/bin/kmod /usr/bin/curl /usr/bin/jq) libraries
	mkdir -p "$dir"/{dev,proc,sys,tmp,run,root,mnt,lab,etc,var/lib,var/empty}
	mkdir -p "$dir"/usr/{bin,sbin,lib,lib64,local/bin}
	for top in bin sbin lib lib64; do
		ln -s "usr/$top" "$dir/$top"
	done
	ln -s ../run "$dir/var/run"
	image_busybox_into "$dir"
	mapfile -t libraries < <(image_libraries "${programs[@]}")
	image_copy "$dir" "${programs[@]}" "${libraries[@]}" /usr/share/misc/pci.ids \
		/usr/lib/x86_64-linux-gnu/libgcc_s.so.1
	image_accounts_into "$dir"
	image_modules_into "$dir" "$2" "$3"
	install -m 755 "$lab_parts/init" "$dir/init"
}

# Names the given bytes and files by their content.
# Usage: image_key FILE... <<<TEXT
image_key() {
	sha256sum - "$@" | sha256sum | cut -c 1-20
}

# Drops cached layers that no run has used for a month.
image_forget() {
	find "$lab_cache" -maxdepth 1 -type f -name '*.cpio*' -mtime +30 -delete
}

# Makes the base layer unless it is cached; prints its file. FILE.list names what is in it.
# Usage: image_base KERNEL
image_base() {
	local kernel=$1 release key file work
	release=$(basename "$kernel"/lib/modules/*)
	key=$(image_key "$lab_parts/init" "$lab_parts/image.sh" <<<"$(realpath "$kernel") $release $(
		stat -L -c '%n %s %Y' /usr/bin/{busybox,kmod,curl,jq} /usr/share/misc/pci.ids)")
	file=$lab_cache/base-$key.cpio
	if [[ ! -e $file || ! -e $file.list ]]; then
		work=$(mktemp -d "$lab_temporary/base.XXXXXX")
		image_base_tree "$work/root" "$kernel" "$release"
		image_pack "$work/root" "$work/base.cpio"
		(cd "$work/root" && find . -type f | cut -c 2- | sort) >"$work/list"
		image_publish "$work/list" "$file.list"
		image_publish "$work/base.cpio" "$file"
		rm -rf "$work"
		image_forget
	fi
	touch -c "$file" "$file.list"
	printf '%s\n' "$file"
}

# Puts a finished file under its name in the cache, at once or not at all.
image_publish() {
	local new
	new=$(mktemp "$lab_cache/.new.XXXXXX")
	cp "$1" "$new"
	mv -T "$new" "$2"
}

# The libraries of the given programs that the base lacks.
# Usage: image_extra_libraries BASE PROGRAM...
image_extra_libraries() {
	comm -23 <(image_libraries "${@:2}") "$1.list"
}

# Makes the layer of the programs in DIR unless it is cached; prints its file.
# Usage: image_programs BASE DIR
image_programs() {
	local base=$1 programs=() program file work libraries
	for program in "$2"/*; do
		[[ -f $program && -x $program ]] && programs+=("$program")
	done
	((${#programs[@]})) || return 0
	mapfile -t libraries < <(image_extra_libraries "$base" "${programs[@]}")
	file=$lab_cache/programs-$(image_key "${programs[@]}" "${libraries[@]}" <<<"$base").cpio
	if [[ ! -e $file ]]; then
		work=$(mktemp -d "$lab_temporary/programs.XXXXXX")
		mkdir -p "$work/root/usr/local/bin"
		cp -L "${programs[@]}" "$work/root/usr/local/bin"
		image_copy "$work/root" "${libraries[@]}"
		image_pack "$work/root" "$work/programs.cpio"
		image_publish "$work/programs.cpio" "$file"
		rm -rf "$work"
	fi
	touch -c "$file"
	printf '%s\n' "$file"
}

# Makes the layer of one run: its mode, its command and the files added to it.
# Usage: image_run OUT BASE MODE COMMAND [FILE...]
image_run() {
	local out=$1 base=$2 root=$1.root file libraries
	mkdir -p "$root/lab"
	printf '%s\n' "$3" >"$root/lab/mode"
	printf '%s\n' "$4" >"$root/lab/command"
	shift 4
	for file; do
		install -m "$(stat -L -c %a "$file")" "$file" "$root/$(basename "$file")"
		mapfile -t libraries < <(image_extra_libraries "$base" "$file")
		image_copy "$root" "${libraries[@]}"
	done
	image_pack "$root" "$out"
}
