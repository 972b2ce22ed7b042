#!/bin/bash
# Sees to the programs that tests, demo and benchmark run. As root it installs
# what is missing with apt-get; otherwise it prints the line and exits with 1.
#
#   scripts/deps.sh [test] [race] [demo] [bench] [bench-unpack] [bench-dedup] [browser]
#
# Debian's postgresql package makes and starts a cluster of its own, which nobody
# here needs: tests and demo make theirs in a temporary directory. On a machine
# that PostgreSQL is new to it is told not to; where PostgreSQL is configured
# already that stays as it is.
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
		need mkfs.ext4 e2fsprogs
		need mkfs.xfs xfsprogs
		# What unpack starts. Debian 12 calls 7z so in p7zip-full only; its 7zip has 7zz.
		have 7z || have 7zz || missing+=(7zip)
		need fls sleuthkit
		need icat sleuthkit
		need pdftotext poppler-utils
		need dpkg-source dpkg-dev
		need file file
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
	bench-unpack)
		need initdb postgresql
		need psql postgresql-client
		need zstd zstd
		need rpmbuild rpm
		need xorriso xorriso
		need bsdtar libarchive-tools
		have 7z || have 7zz || missing+=(7zip)
		need file file
		need pdftotext poppler-utils
		need fls sleuthkit
		need gzip gzip
		need bzip2 bzip2
		need xz xz-utils
		need b3sum b3sum
		need mkfs.ext4 e2fsprogs
		# apt's own downloader fetches the tarballs.
		[ -x /usr/lib/apt/apt-helper ] || missing+=(apt)
		;;
	bench-dedup)
		need hardlink util-linux
		command -v hardlink >/dev/null || missing+=(hardlink) # Debian 11 had it there
		need jdupes jdupes
		need rdfind rdfind
		need rmlint rmlint
		need mkfs.ext4 e2fsprogs
		;;
	browser)
		# Ubuntu has it as a snap only: there it has to be installed by hand.
		need chromium chromium
		;;
	*)
		echo "usage: deps.sh [test] [race] [demo] [bench] [bench-unpack] [bench-dedup] [browser]" >&2
		exit 2
		;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

mapfile -t missing <<<"$(printf '%s\n' "${missing[@]}" | sort -u)"
install="apt-get install -y --no-install-recommends"
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "Missing programs. As root: $install ${missing[*]}" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive

# get PACKAGE...: a list of packages that is too old or missing is the usual
# reason for a first failure, so its message is kept back.
get() {
	echo "$install $*"
	$install "$@" >/dev/null 2>&1 || { apt-get update >/dev/null && $install "$@" >/dev/null; }
}

# without_cluster PACKAGE...: like get, but no cluster is made. postgresql-common
# brings the configuration and makes none; the packages behind it obey. Afterwards
# the configuration is again what the package brought, so that whoever wants a
# cluster of the system later gets one in the usual way.
without_cluster() {
	get postgresql-common
	cp -p "$conf" "$conf.repotool"
	trap 'mv -f "$conf.repotool" "$conf"' EXIT
	echo "create_main_cluster = false" >>"$conf"
	get "$@"
}

conf=/etc/postgresql-common/createcluster.conf
if [[ " ${missing[*]} " == *" postgresql "* ]] && ! [ -e "$conf" ]; then
	without_cluster "${missing[@]}"
else
	get "${missing[@]}"
fi
