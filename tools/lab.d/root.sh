# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Root file systems of Debian's releases, made by mmdebstrap from the archive that this machine's apt
# is set up with, and cached. Uses lab_parts, lab_user_cache and lab_temporary.

# shellcheck source=tools/setup.d/archive.sh
. "$lab_parts/../setup.d/archive.sh"
# shellcheck source=tools/setup.d/kernel.sh
. "$lab_parts/../setup.d/kernel.sh"

readonly root_cache=$lab_user_cache/root

# What a guest has beside Debian's essential packages.
readonly root_packages=(
	systemd systemd-sysv udev dbus kmod libpam-systemd libnss-systemd login passwd mount sudo
	iproute2 procps e2fsprogs curl jq pciutils pci.ids
)

# The libraries that vfiod and what is installed with it are linked with. libh2o's come without it
# where the release has none: there it lies as a package in /lab/packages.
readonly root_libraries=(
	libnng1 libjansson4 libprotobuf-c1 libsqlite3-0 libkmod2 libsystemd0 libseccomp2 libpci3 libcap2
	zlib1g fuse3
)
declare -rA root_release_libraries=(
	[bookworm]='libssl3 libfuse3-3 libh2o-evloop0.13'
	[trixie]='libssl3t64 libfuse3-4 libwslay1'
)

# shellcheck disable=SC2034 # kernel.sh's: what systemd and udev ask for
more_modules=(
	fs/autofs fs/binfmt_misc.ko fs/configfs fs/overlayfs net/packet net/unix drivers/net/tun.ko
)

# Prints how this machine's apt reaches archives: proxies, checks, languages.
root_apt_options() {
	apt-config dump |
		grep -E '^Acquire::(https?|Check-|Retries|ForceIPv|Languages|GzipIndexes|BrokenProxy)' || true
}

# Usage: root_make NAME FILE [OPTION OF MMDEBSTRAP]...: makes a tar file of a release.
#
# What mmdebstrap mounts is gone with it, however it ends. It lends /dev/shm to what it makes, so it
# gets one of its own; of /sys it gets none.
root_make() {
	local name=$1 file=$2 log=$lab_temporary/mmdebstrap.log apart=()
	# shellcheck disable=SC2016 # the inner shell's
	((EUID)) || apart=(unshare --mount sh -c 'mount -t tmpfs tmpfs /dev/shm && exec "$@"' -)
	[[ $(stat -c %d "$lab_temporary") != "$(stat -c %d /dev/shm)" ]] ||
		die "a root file system cannot be made in /dev/shm: set TMPDIR to another folder"
	root_apt_options >"$lab_temporary/apt.conf"
	"${apart[@]}" mmdebstrap --variant=minbase --skip=chroot/mount/sys \
		--dpkgopt=force-unsafe-io --aptopt="$lab_temporary/apt.conf" "${@:3}" "$name" "$file" - \
		<<<"$root_sources" >"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		return 1
	}
}

# Prints what a root file system is made by, so that another way of making it makes another.
# Usage: root_recipe KIND
root_recipe() {
	declare -f root_make "root_make_$1"
	[[ $1 != bare ]] || return 0
	declare -f root_disk root_kernel unpack_kernel unwrap_kernel
	printf '%s\n' "${kernel_modules[@]}" "${more_modules[@]}"
	cat "$lab_parts/systemd/customize"
}

# Prints the cached path of a root file system: KIND-NAME-KEY, the key being of all that it is made of.
# Usage: root_path KIND NAME [WORD]...
root_path() {
	local key
	key=$({ printf '%s\n' "$root_sources" "${@:3}" && root_recipe "$1"; } | sha256sum | cut -c 1-16)
	printf '%s\n' "$root_cache/$1-$2-$key"
}

# Prints a folder that has root.tar, a release with nothing beside what apt itself needs.
# Usage: root_bare RELEASE
root_bare() {
	root_cached bare "$(release_name "$1")"
}

# Prints a folder that has a guest's disk and kernel/. Usage: root_guest RELEASE
root_guest() {
	local name libraries
	name=$(release_name "$1")
	read -ra libraries <<<"${root_release_libraries[$name]}"
	root_cached guest "$name" "${root_packages[@]}" "${root_libraries[@]}" "${libraries[@]}"
}

# Makes a root file system unless it is cached; drops those that no run has used for a month.
# Usage: root_cached KIND NAME [PACKAGE]...
root_cached() {
	local path lock new=$root_cache/.new-$1-$2 root_sources
	root_sources=$(archive_sources "$2") || return
	path=$(root_path "$@")
	mkdir -p "$root_cache"
	exec {lock}>"$root_cache/.lock-$1-$2"
	flock "$lock"
	if [[ ! -d $path ]]; then
		find "$root_cache" -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} +
		say "making a root file system of Debian $2 (once; this takes some minutes)"
		rm -rf "$new"
		mkdir "$new"
		"root_make_$1" "$2" "$new" "${@:3}" || return
		mv -T "$new" "$path"
	fi
	touch "$path"
	exec {lock}>&-
	printf '%s\n' "$path"
}

root_make_bare() {
	root_make "$1" "$2/root.tar"
}

# Usage: root_make_guest NAME FOLDER PACKAGE...
root_make_guest() {
	local name=$1 folder=$2 IFS=, work=$lab_temporary/kernel
	local options=(--include="${*:3}" --customize-hook="$lab_parts/systemd/customize"
		--customize-hook="download /linux-image.deb $work/linux-image-lab.deb"
		--customize-hook="rm \"\$1/linux-image.deb\"")
	if [[ ${root_release_libraries[$name]} != *libh2o* ]]; then
		root_sources+=$'\n'$(h2o_source)
		h2o_pin >"$lab_temporary/libh2o"
		options+=(--setup-hook="copy-in $lab_temporary/libh2o /etc/apt/preferences.d")
	fi
	mkdir "$work"
	root_make "$name" "$lab_temporary/root.tar" "${options[@]}" &&
		root_kernel "$work" "$folder" &&
		root_disk "$lab_temporary/root.tar" "$folder/kernel/lib/modules" "$folder/disk"
}

# Makes an ext4 file system of a tar file, where all users are what they are in that, and of the
# kernel's modules. The files .updated tell systemd that nothing in /usr is newer than what it makes of
# that, such as udev's database, which would take it long.
# Usage: root_disk TAR MODULES FILE
root_disk() {
	local work=$lab_temporary/root as_all=()
	((EUID == 0)) || as_all=(unshare --map-root-user --map-auto)
	truncate -s 3G "$3"
	mkdir "$work"
	# shellcheck disable=SC2016 # the inner shell's
	"${as_all[@]}" sh -euc 'tar -x -C "$1" --numeric-owner --exclude "./dev/*" -f "$2"
		cp -R "$3" "$1/usr/lib"
		touch -d "1 minute" "$1/etc/.updated" "$1/var/.updated"
		mke2fs -q -t ext4 -d "$1" "$4"
		rm -rf "$1"' - "$work" "$@"
	rm "$1"
}

# Unpacks WORK/linux-image-lab.deb to FOLDER/kernel.
# Usage: root_kernel WORK FOLDER
root_kernel() (
	cd "$1" || exit
	release=$(dpkg-deb -f linux-image-lab.deb Package)
	unpack_kernel "${release#linux-image-}" && unwrap_kernel && mv kernel "$2/kernel"
)
