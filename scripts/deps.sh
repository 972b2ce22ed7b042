#!/bin/bash
# Sees to the programs that tests, demo and benchmark run. As root it installs
# what is missing with apt-get; otherwise it prints the line and exits with 1.
#
#   scripts/deps.sh [test] [race] [demo] [bench]
#
# Debian's postgresql package makes and starts a cluster of its own; nothing
# here connects to it. Tests and demo make a cluster in a temporary directory.
set -euo pipefail

# have PROGRAM: is it in PATH, or among PostgreSQL's own programs?
have() {
	command -v "$1" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null ||
		[ -x "/usr/sbin/$1" ]
}

missing=()
# need PROGRAM PACKAGE
need() {
	have "$1" || missing+=("$2")
}

for purpose in "${@:-test}"; do
	case $purpose in
	test | demo)
		need initdb postgresql
		need psql postgresql-client
		need zstd zstd
		need tar tar
		need rsync rsync
		need sha256sum coreutils
		;;
	race)
		need gcc gcc
		# The race detector links with the C library.
		[ -e /usr/include/stdlib.h ] || missing+=(libc6-dev)
		;;
	bench)
		need rsync rsync
		need restic restic
		need borg borgbackup
		need mkfs.ext4 e2fsprogs
		;;
	*)
		echo "usage: deps.sh [test] [race] [demo] [bench]" >&2
		exit 2
		;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
line="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "Missing programs. As root: $line" >&2
	exit 1
fi
echo "$line"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # the words of the line are what is wanted
$line >/dev/null || { apt-get update >/dev/null && $line >/dev/null; }
