#!/bin/bash
# Runs a benchmark in an empty directory: in a file system in memory, so that no disk and
# no other program's files disturb, or on one that is to be measured.
#
#   scripts/bench.sh COMMAND... {}     {} stands for the directory
#
#   ON      where: "ram" (default as root): ext4 in memory; or an empty directory (default
#           else: a new one)
#   RAM     size of the former in MiB (default 11000)
#   INODES  its inodes (default 1300000: the days of the classical method take many)
#   BLOCK   bytes of its blocks (default 4096); with small ones, many small files fit
set -euo pipefail
ON=${ON:-} RAM=${RAM:-11000} INODES=${INODES:-1300000}

work=$(mktemp -d)
if [ -z "$ON" ]; then
	[ "$(id -u)" -eq 0 ] && ON=ram || ON=$work
fi
image=
clean() {
	if [ -n "$image" ]; then
		umount "$work/fs" 2>/dev/null || umount -l "$work/fs" 2>/dev/null || true
		rm -f "$image"
	fi
	[ "$ON" = ram ] || rm -rf "$ON/bench"
	rm -rf "$work"
}
trap clean EXIT

if [ "$ON" = ram ]; then
	image=$(mktemp /dev/shm/repotool-bench-XXXXXX)
	# Filled beforehand and kept so (no discard): the first program to use a page of
	# memory would pay for it.
	dd if=/dev/zero of="$image" bs=1M count="$RAM" status=none
	# No work left for later.
	mkfs.ext4 -q -F -m 0 -b "${BLOCK:-4096}" -N "$INODES" -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "$image"
	chmod 755 "$work"
	mkdir "$work/fs"
	mount -o loop "$image" "$work/fs"
	rmdir "$work/fs/lost+found"
	dir=$work/fs
else
	dir=$ON/bench
	mkdir -p "$dir"
fi
"${@/\{\}/$dir}"
