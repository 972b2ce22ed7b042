# Unpacks a file and all that is in it with a plain tool, round by round, until
# nothing more opens: what came out of X lies in X.dir, as FOSSology does it. file(1)
# says what to try, once for all files of a round.
#
#   plain.sh bsdtar|7z FILE DIR
set -uo pipefail
tool=$1 dir=$3
case $tool in
bsdtar) open() { bsdtar -xf "$1" -C "$2"; } ;;
7z) open() { "$(command -v 7z || command -v 7zz)" x -y -pjunk -o"$2" "$1"; } ;;
esac
mkdir -p "$dir/top.dir"
open "$2" "$dir/top.dir" >/dev/null 2>&1
places=("$dir/top.dir")
while [ ${#places[@]} -gt 0 ]; do
	next=()
	while IFS= read -r -d '' path; do
		IFS= read -r type
		case $type in
		*/x-rpm | */x-tar | */gzip | */x-gzip | */x-bzip2 | */x-xz | */x-lzma | */zip | */java-archive | */x-cpio | */x-archive | */x-7z-compressed | */x-iso9660-image)
			mkdir "$path.dir" 2>/dev/null || continue
			open "$path" "$path.dir" >/dev/null 2>&1 || true
			next+=("$path.dir")
			;;
		esac
	done < <(find "${places[@]}" -type f -print0 | xargs -0 -r file --no-pad --print0 --separator '' --mime-type)
	places=("${next[@]}")
done
