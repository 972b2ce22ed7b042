#!/bin/bash
# Measures the plan of a prune, its deed and its undo, on a generated installation with a
# real PostgreSQL.
#
#   FILES=1000000 scripts/bench-prune.sh
#
#   FILES  derived files, a thousand of each gold
#   ON     a directory with room for them: two inodes and 8 KiB each (default: a temporary one)
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh test

work=$(mktemp -d "${ON:-${TMPDIR:-/tmp}}/bench-prune-XXXXXX")
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 go build -trimpath -o "$work/repotool" ./cmd/repotool
go build -o "$work/bench" ./scripts/benchprune # with its paths: the fixture is found by them
"$work/bench" -repotool "$work/repotool" -dir "$work" -files "${FILES:-1000000}"
