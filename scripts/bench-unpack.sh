#!/bin/bash
# Measures how repotool unpacks an ISO of source rpms, beside the plain tools.
#
#   RUNS=5 scripts/bench-unpack.sh [FLAGS]
#
#   RUNS   times that everything is measured
#   CACHE  keeps the ISO and the tarballs it is made of (~/.cache/repotool-bench)
#   ISO    another ISO, instead
#   ON, RAM, INODES: see scripts/bench.sh
#   FLAGS  those of scripts/benchunpack: -only, -json, -gobench
set -euo pipefail
cd "$(dirname "$0")/.."
iso=${ISO:-$(bench/source-iso.sh "${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/repotool-bench}")}
program=$(mktemp)
trap 'rm -f "$program"' EXIT
CGO_ENABLED=0 go build -o "$program" ./scripts/benchunpack # with its paths: the fixture is found by them
RAM=${RAM:-4000} INODES=${INODES:-400000} scripts/bench.sh "$program" -iso "$iso" -runs "${RUNS:-5}" -repotool "$PWD/repotool" "$@" -dir {}
