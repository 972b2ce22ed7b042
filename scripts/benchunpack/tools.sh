# Decompression and hashing by the tools of the system, writing nothing: the tarballs
# of the source rpms, copied into DIR before. A tar that gzip or bzip2 gives is a
# content, and its members are contents again, so it is hashed twice; ISO, rpm, cpio
# and tarball are the same bytes four times.
#
#   tools.sh ISO DIR
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# hash TIMES: the four hashes of standard input, each so many times, side by side. By
# named pipes, because bash does not wait for >(…), whose cost would be lost.
hash() {
	local pipes=() pipe i program
	for ((i = 0; i < $1; i++)); do
		for program in sha1sum md5sum sha256sum b3sum; do
			pipe=$work/$i.$program
			[ -p "$pipe" ] || mkfifo "$pipe"
			pipes+=("$pipe")
			"$program" <"$pipe" >/dev/null &
		done
	done
	tee "${pipes[@]}" >/dev/null
	wait
}
hash 4 <"$1"
for f in "$2"/*; do
	case $f in
	*.gz) gzip -dc "$f" | hash 2 ;;
	*.bz2) bzip2 -dc "$f" | hash 2 ;;
	*.xz) xz -dc "$f" | hash 1 ;;
	esac
done
