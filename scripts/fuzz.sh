#!/bin/bash
# Runs every fuzz test of the module for FUZZTIME (30s) each, one after another.
# Inputs that are found on the way are hardly made smaller: with archives of many
# KiB that would take all the time there is.
set -euo pipefail
cd "$(dirname "$0")/.."

go list ./... | while read -r pkg; do
	go test -list '^Fuzz' "$pkg" | { grep '^Fuzz' || true; } | while read -r name; do
		echo "== $pkg $name"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-30s}" -fuzzminimizetime 20x "$pkg" </dev/null
	done
done
