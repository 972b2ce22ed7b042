#!/bin/sh
# Says where the tests put their files: in memory, if there is room for all of them, since
# they write through to the disk at every turn, which takes most of their time on one. What
# a file system does in a power cut has tests with an ext4 and an XFS of their own. If
# TMPDIR is set, it is left alone.
need=8000000 # kB
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] &&
	[ "$(df --output=avail /dev/shm | tail -n 1)" -ge "$need" ] &&
	[ "$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)" -ge "$need" ]; then
	echo /dev/shm
else
	echo "${TMPDIR:-/tmp}"
fi
