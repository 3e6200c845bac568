#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# In the chroot: runs README's commands in /src and counts how that ends.
set -u

passed=0 failed=0
sudo= # README's "sudo ", where there is a user who needs it
cd /src || exit

# As the user who tries this out.
as_who() {
	if [ "$VFIOD_AS_USER" = 1 ]; then
		su builder -c "cd /src && CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) $1"
	else
		CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) sh -c "$1"
	fi
}

count() {
	local name=$1 log status=0
	log=/tmp/$(echo "$name" | tr -c 'a-z0-9\n' -).log
	shift
	"$@" >"$log" 2>&1 || status=$?
	if [ $status = 0 ]; then
		passed=$((passed + 1))
		echo "ok $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $name (status $status)"
	tail -n 60 "$log"
	return 1
}

# Runs a command that README gives in just these words.
readme() {
	grep -qxF "$1" README.md || { echo "README.md has no line '$1'" && return 1; }
	case $1 in
	sudo*) as_who "$sudo${1#sudo }" ;;
	*) as_who "$1" ;;
	esac
}

no_warning() { ! grep -E 'warning:|CMake (Deprecation )?Warning' /tmp/build.log; }

# What comes from another release than this one.
only_h2o_is_foreign() {
	! apt list --installed 2>/dev/null | grep '/oldstable,now ' | grep -v '^libh2o'
}

tests() {
	as_who "ctest --test-dir build --label-exclude '^(lab|sweep)$' --tests-regex '$VFIOD_TESTS' \
		--parallel $(nproc) --timeout 300 --no-tests=error --output-on-failure"
}

installed() { vfiod --version && vfioctl --version && simhost --help; }

make_user() {
	apt-get install -y -qq --no-install-recommends sudo &&
		useradd -m -s /bin/bash builder &&
		echo 'builder ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/builder &&
		chown -R builder: /src &&
		sudo='sudo '
}

apt-get update -qq || exit
[ "$VFIOD_AS_USER" = 0 ] || count 'a user with sudo' make_user
. /etc/os-release
echo "# $PRETTY_NAME"
count 'set up' readme tools/setup &&
	count 'build' readme 'cmake -B build && cmake --build build' && {
	count 'no warning' no_warning
	[ "${VERSION_ID:-}" = 12 ] || count 'nothing but libh2o from another release' only_h2o_is_foreign
	count 'tests' tests
	grep -E 'tests passed|tests failed|^The following|^[[:space:]]*[0-9]+ - ' /tmp/tests.log
	count 'install' readme 'sudo cmake --install build'
	count 'what is installed runs' installed
	count 'demo on a simulated host' as_who 'tools/demo --simulated'
}
echo "$passed passed, $failed failed"
[ $passed -gt 0 ] && [ $failed = 0 ]
