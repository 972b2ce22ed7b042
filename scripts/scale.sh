#!/bin/bash
# Shows how repotool's cost grows with the number of files: wall and CPU seconds
# and peak memory of each step, and the time per file against the first size.
#
#   SIZES="100000 1000000" ON=/mnt/disk scripts/scale.sh
#
#   SIZES  numbers of files          ON  an empty directory on a disk; 1,000,000
#          files need 60 GB there, and as much memory as fits is used as cache
#
# The caches are dropped before each step where that is allowed (root), so that
# both sizes begin with a cold disk.
set -euo pipefail
cd "$(dirname "$0")/.."
SIZES=${SIZES:-100000 1000000}
ON=${ON:-$(mktemp -d)}
scripts/deps.sh scale

work=$ON/scale
mkdir "$work"
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 go build -trimpath -o "$work/repotool" ./cmd/repotool
r="$work/repotool"

# step NAME COMMAND... prints the cost of a command, its writing included.
step() {
	local name=$1
	shift
	sync
	[ ! -w /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
	local begin
	begin=$(date +%s.%N)
	/usr/bin/time -f '%U %S %M' -o "$work/time" "$@" >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
	sync -f "$work"
	awk -v step="$name" -v n="$n" -v begin="$begin" -v end="$(date +%s.%N)" '{ wall = end - begin; cpu = $1 + $2
		printf "%-24s %9d files %8.2f s %8.2f CPU s %5.0f MB %7.1f us/file %7.1f CPU us/file\n",
			step, n, wall, cpu, $3 / 1024, wall * 1e6 / n, cpu * 1e6 / n }' "$work/time"
}

for n in $SIZES; do
	repo=$work/repository store=$work/store
	"$r" bench repo --files "$n" "$repo" >/dev/null
	"$r" init "$store" >/dev/null
	common=(--store "$store" --repository "$repo" --installation x --quiet)
	snap=("$r" snapshot "${common[@]}" --database none --quiesce none)
	step "first snapshot, flat day" "${snap[@]}"
	step "night, flat day" "${snap[@]}"
	step "night, no day" "${snap[@]}" --day-layout none
	"$r" bench repo --files "$n" --night 1 "$repo" >/dev/null
	step "night + 1 %, flat day" "${snap[@]}"
	step "verify all data" "$r" verify --store "$store" --quiet
	step "restore of everything" "$r" restore --store "$store" --installation x --quiet --to "$work/restored" latest
	rm -rf "$repo" "$store" "$work/restored"
done
