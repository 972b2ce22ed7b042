#!/bin/bash
# Times repotool dedup beside util-linux hardlink, jdupes, rdfind, and rmlint with its
# handler (once: it takes minutes), and prints the table.
#
#   FILES=100000 RUNS=5 scripts/bench-dedup.sh
#
#   FILES  files, three of ten of which are there twice
#   RUNS   times everything is measured
#   ON     where: "ram" (default as root): an ext4 file system in memory, so that no disk
#          and no other program's files disturb; or an empty directory
#   RMLINT 1: with rmlint (default); 0: without
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh bench-dedup

FILES=${FILES:-100000}
[ "$(id -u)" -eq 0 ] && default=ram || default=$(mktemp -d)
ON=${ON:-$default}
work=$(mktemp -d)
image=
clean() {
	if [ -n "$image" ]; then
		umount "$work/fs" 2>/dev/null || true
		rm -f "$image"
	fi
	[ "$ON" = ram ] || rm -rf "$ON/bench"
	rm -rf "$work"
}
trap clean EXIT

export CGO_ENABLED=0
go build -trimpath -o "$work/repotool" ./cmd/repotool
go build -trimpath -o "$work/bench" ./scripts/benchdedup
if [ "$ON" = ram ]; then
	image=$(mktemp /dev/shm/repotool-bench-XXXXXX)
	# Filled beforehand: the first program to use a page of memory would pay for it.
	dd if=/dev/zero of="$image" bs=1M count=$((FILES / 16 + 1024)) status=none
	mkfs.ext4 -q -F -m 0 -N $((FILES * 8 + 100000)) -E lazy_itable_init=0,lazy_journal_init=0 "$image"
	mkdir "$work/fs"
	mount -o loop "$image" "$work/fs"
	rmdir "$work/fs/lost+found"
	dir=$work/fs
else
	dir=$ON/bench
	mkdir -p "$dir"
fi
rmlint=
[ "${RMLINT:-1}" = 1 ] && rmlint=-rmlint
"$work/bench" -files "$FILES" -runs "${RUNS:-5}" -dir "$dir" -repotool "$work/repotool" $rmlint
