#!/bin/bash
# Measures how repotool unpacks an ISO of source rpms, beside the plain tools.
#
#   RUNS=5 scripts/bench-unpack.sh
#
#   RUNS   times that everything is measured
#   CACHE  keeps the ISO and the tarballs it is made of (~/.cache/repotool-bench)
#   ISO    another ISO, instead
#   ON     where: "ram" (default as root): an ext4 file system in memory, so that
#          no disk and no other program's files disturb; or an empty directory
#          on the file system that is to be measured
#   RAM    its size in MiB
#   ONLY   what is measured, separated by ";"
#   JSON   file for all samples
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh bench-unpack

RUNS=${RUNS:-5} RAM=${RAM:-4000} JSON=${JSON:-}
[ "$(id -u)" -eq 0 ] && default=ram || default=$(mktemp -d)
ON=${ON:-$default}
iso=${ISO:-$(bench/source-iso.sh "${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/repotool-bench}")}

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
go build -o "$work/bench" ./scripts/benchunpack # with its paths: the fixture is found by them
if [ "$ON" = ram ]; then
	image=$(mktemp /dev/shm/repotool-bench-XXXXXX)
	# Filled beforehand and kept so (no discard): the first program to use a page
	# of memory would pay for it.
	dd if=/dev/zero of="$image" bs=1M count="$RAM" status=none
	mkfs.ext4 -q -F -m 0 -N 400000 -E lazy_itable_init=0,lazy_journal_init=0 "$image"
	mkdir "$work/fs"
	mount -o loop "$image" "$work/fs"
	rmdir "$work/fs/lost+found"
	dir=$work/fs
else
	dir=$ON/bench
	mkdir -p "$dir"
fi

"$work/bench" -iso "$iso" -runs "$RUNS" -dir "$dir" -repotool "$work/repotool" -only "${ONLY:-}" -json "$JSON"
