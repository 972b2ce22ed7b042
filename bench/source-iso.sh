#!/bin/bash
# Makes an ISO of source rpms, like the source disc of a distribution, and prints
# its path. The same bytes each time: pinned tarballs of Debian, fixed dates.
#
#   bench/source-iso.sh DIR [WORK]
#
#   DIR     keeps the tarballs and the ISO; what is there is not fetched again
#   WORK    made for the rpms, and removed (a new directory in DIR, where it has to be)
#   SIZE    MB that it is to have at least (65, what the pinned tarballs make)
#   MIRROR  of Debian (http://deb.debian.org/debian)
#
# A larger one holds further tarballs of Debian 12 as it is today, in the order of their
# checksums, each with the checksum that the index of the mirror gives.
#
# The tarballs were chosen to resemble an upload that FOSSology's own unpacker was
# measured with: 66 MB, 24,227 files, 854 MB of contents, mixed compression.
set -euo pipefail
dir=${1:?usage: source-iso.sh DIR [WORK]}
size=${SIZE:-65}
mirror=${MIRROR:-http://deb.debian.org/debian}

# Those of Debian 12, which changes patches of a release, and rarely the tarballs.
tarballs='
61a1f410d78ba7e7f37a5a4f50e6d1320aca33375484a3255eddf17a38580423 main/c/coreutils/coreutils_9.1.orig.tar.xz
d20fcbb537e02dcf1383197ba05bd0734ef7bf5db06bdb241eb69b7d16b73192 main/g/gettext/gettext_0.21.orig.tar.xz
ef14ae546b0084cd84259f61a55e07a38c3b53afc0f546bffcef2f01baffe9de main/libg/libgcrypt20/libgcrypt20_1.10.1.orig.tar.bz2
6931283d9ac87c5073f30b6290c4c75f21632bb4fc3603ac8100812bed248159 main/n/ncurses/ncurses_6.4.orig.tar.gz
66a5353c5e7b33a8981446e857657aad45a3b82080ea5c67d4baa434eacfcf5f main/o/ocaml/ocaml_4.13.1.orig.tar.gz
7ca38a78654aee72378594d63e51636c04b8e28574f5505dff630895b5472777 main/p/python-django/python-django_3.2.25.orig.tar.gz
fd826afad03db7a580722839927dc664f3e93398fe88b66905732c8530971353 main/s/subversion/subversion_1.14.2.orig.tar.gz
83bce7277e3825df0179567e0d8a431ebb1a126df53ea4a94af89dd4dd0f26d5 main/t/tcl8.6/tcl8.6_8.6.13+dfsg.orig.tar.gz
638f43d7dea33948d5dee7f39572fc0194d9cc3c74195de9dd26a4388a1f880a main/t/tiff/tiff_4.5.0.orig.tar.bz2
af254788be98861f2bd9103fe6e60a774ec96a8c374744eef9197f6043075afa main/o/openocd/openocd_0.12.0.orig.tar.bz2
'
# A change of this script makes another ISO.
iso=$dir/source-rpms-$(sha256sum "$0" | cut -c1-12)-$size.iso
if [ -e "$iso" ]; then
	echo "$iso"
	exit
fi
mkdir -p "$dir/tarballs"
if [ $# -gt 1 ]; then
	work=$2
	mkdir "$work"
else
	work=$(mktemp -d "$dir/work-XXXXXX")
fi
trap 'rm -rf "$work"' EXIT

# fetch SUM PATH: apt's own downloader, with apt's settings (a proxy, say), checks the sum.
fetch() {
	local to=$dir/tarballs/${2##*/}
	if ! echo "$1  $to" | sha256sum --check --status 2>/dev/null; then
		/usr/lib/apt/apt-helper download-file "$mirror/pool/$2" "$to" "SHA256:$1" >"$work/log" 2>&1 ||
			{ cat "$work/log" >&2; return 1; }
	fi
}

# 2009-11-17, the day of Fedora 12.
export SOURCE_DATE_EPOCH=1258416000

# source_rpm TARBALL: as rpmbuild -bs of those years made them, a cpio in a gzip. It is
# in $rpm.
source_rpm() {
	local file=${1##*/} name version
	name=${file%%_*}
	version=${file#*_}
	version=${version%.orig.tar.*}
	version=${version//[^0-9a-zA-Z.]/.}
	cp "$1" "$work/in/"
	cat >"$work/in/$name.spec" <<-SPEC
		Name: $name
		Version: $version
		Release: 1
		Summary: $name as Debian has it
		License: see the sources
		Source0: $file
		%description
		The sources of $name.
		%files
	SPEC
	touch -d "@$SOURCE_DATE_EPOCH" "$work/in/$file" "$work/in/$name.spec"
	rpmbuild -bs --quiet --define "_sourcedir $work/in" --define "_srcrpmdir $work/out" --define "_topdir $work" \
		--define "_source_payload w9.gzdio" --define "_buildhost localhost" --define "use_source_date_epoch_as_buildtime 1" \
		"$work/in/$name.spec" >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }
	rm "$work/in/$file" "$work/in/$name.spec" # the rpm holds them
	rpm=$work/out/$name-$version-1.src.rpm
}

# fetch_index: of all source packages.
fetch_index() {
	/usr/lib/apt/apt-helper download-file "$mirror/dists/bookworm/main/source/Sources.xz" "$work/Sources.xz" >"$work/log" 2>&1 ||
		{ cat "$work/log" >&2; return 1; }
}

# more: tarballs that are not pinned, none above 100 MB, one of each package.
more() {
	xz -dc "$work/Sources.xz" | awk -v RS= '
		match($0, /\nDirectory: [^\n]*/) {
			place = substr($0, RSTART + 12, RLENGTH - 12)
			if (!match($0, /\nChecksums-Sha256:[^\n]*(\n [^\n]*)*/)) next
			n = split(substr($0, RSTART, RLENGTH), lines, "\n")
			for (i = 1; i <= n; i++) {
				split(lines[i], f, " ")
				if (f[3] ~ /_[^\/]*\.orig\.tar\.(gz|bz2|xz)$/ && f[2] < 100000000) { print f[1], place "/" f[3]; break }
			}
		}' | sed 's, pool/, ,' | sort -u | awk -v pinned="$tarballs" '!index(pinned, $1)'
}

mkdir "$work/in" "$work/out"
while read -r sum path; do
	[ -n "$sum" ] || continue
	fetch "$sum" "$path"
	source_rpm "$dir/tarballs/${path##*/}"
done <<<"$tarballs"
if [ "$size" -gt 65 ]; then
	# The ISO is larger than its rpms.
	left=$((size * 1000000 - $(cat "$work/out"/*.rpm | wc -c)))
	without=0
	fetch_index
	more >"$work/more"
	while read -r sum path; do
		[ "$left" -gt 0 ] || break
		# The index of a mirror may be ahead of what it has.
		fetch "$sum" "$path" 2>/dev/null || { without=$((without + 1)); continue; }
		source_rpm "$dir/tarballs/${path##*/}"
		left=$((left - $(stat -c %s "$rpm")))
	done <"$work/more"
	[ "$without" -eq 0 ] || echo "$without tarballs of its index are not on the mirror; others stand for them" >&2
	[ "$left" -le 0 ] || { echo "the mirror has too few tarballs: $left bytes short" >&2; exit 1; }
fi
find "$work/out" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
# xorriso takes its dates from SOURCE_DATE_EPOCH; genisoimage has no such way.
xorriso -as mkisofs -quiet -R -J -V SOURCES -uid 0 -gid 0 -o "$work/iso" "$work/out" >"$work/log" 2>&1 ||
	{ cat "$work/log" >&2; exit 1; }
mv "$work/iso" "$iso"
echo "$iso"
