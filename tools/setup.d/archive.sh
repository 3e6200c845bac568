# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Other releases of Debian, from the archive that this machine's own apt is set up with.

readonly archive_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Prints the code name of a release given by its number, or "sid".
release_name() {
	case $1 in
	12) echo bookworm ;;
	13) echo trixie ;;
	sid) echo sid ;;
	*) return 1 ;;
	esac
}

# Prints the address of the archive with the given label, "Debian" or "Debian-Security", if apt's
# lists name one.
archive_site() {
	# shellcheck disable=SC2016 # the names are apt's
	apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
		sed -n "s/^$1|//p" | sed -n 1p
}

# Prints a line for apt's sources. Usage: archive_line SITE SUITE
archive_line() {
	local options=''
	[[ ! -e $archive_keyring ]] || options="[signed-by=$archive_keyring] "
	printf 'deb %s%s %s main\n' "$options" "$1" "$2"
}

# Prints apt's sources for a release given by its code name; fails when this machine names none.
archive_sources() {
	local site security
	site=$(archive_site Debian)
	[[ $site ]] || return
	archive_line "$site" "$1"
	[[ $1 != sid ]] || return 0
	archive_line "$site" "$1-updates"
	security=$(archive_site Debian-Security)
	[[ ! $security ]] || archive_line "$security" "$1-security"
}

# libh2o was last in Debian 12. Prints the source that has it, and the pin that lets nothing else in.
readonly h2o_release=bookworm

h2o_source() {
	local site
	site=$(archive_site Debian)
	[[ $site ]] && archive_line "$site" "$h2o_release"
}

h2o_pin() {
	cat <<-END
		# From tools/setup of vfiod: libh2o, and nothing else, from $h2o_release.
		Package: *
		Pin: release n=$h2o_release
		Pin-Priority: -1

		Package: libh2o-evloop-dev libh2o-evloop0.13 libh2o-dev-common
		Pin: release n=$h2o_release
		Pin-Priority: 100
	END
}
