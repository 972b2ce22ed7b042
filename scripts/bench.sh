#!/bin/bash
# Runs repotool beside rsync, restic and borg and prints the tables.
#
#   N=100000 RUNS=5 scripts/bench.sh
#
#   N     number of files            RUNS  times everything is measured
#   ON    where: "ram" (default as root): an ext4 file system in memory, so that
#         no disk and no other program's files disturb; or an empty directory
#         on the file system that is to be measured
#   RAM   its size in MiB (11000 for 100,000 files)
#   ONLY  contestants, separated by ";"
#   JSON  file for all samples
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh bench

N=${N:-100000} RUNS=${RUNS:-5} RAM=${RAM:-11000} JSON=${JSON:-}
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
go build -trimpath -o "$work/bench" ./scripts/bench
if [ "$ON" = ram ]; then
	image=$(mktemp /dev/shm/repotool-bench-XXXXXX)
	# Filled beforehand and kept so (no discard): the first program to use a page
	# of memory would pay for it.
	dd if=/dev/zero of="$image" bs=1M count="$RAM" status=none
	# As many inodes as the days of the classical method take; no work left for later.
	mkfs.ext4 -q -F -m 0 -N $((N * 12 + 100000)) -E lazy_itable_init=0,lazy_journal_init=0 "$image"
	mkdir "$work/fs"
	mount -o loop "$image" "$work/fs"
	rmdir "$work/fs/lost+found"
	dir=$work/fs
else
	dir=$ON/bench
	mkdir -p "$dir"
fi

"$work/bench" -n "$N" -runs "$RUNS" -dir "$dir" -repotool "$work/repotool" -only "${ONLY:-}" -json "$JSON"
