package unpack

import (
	"archive/zip"
	"strings"
)

// Systems that make zips (APPNOTE 4.4.2).
const zipDOS, zipUnix = 0, 3

// zipPath is the path that unzip gives a member. What leads up is passed over, what
// cannot be shown goes, and so does a version number as VMS has them. Some programs
// of DOS write backslashes where slashes belong.
func zipPath(f *zip.File) string {
	name := f.Name
	if f.CreatorVersion>>8 == zipDOS && !strings.Contains(name, "/") {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	parts := strings.Split(name, "/")
	last := len(parts) - 1
	kept := parts[:0]
	for i, part := range parts {
		part = unzipShows(part)
		switch {
		case i < last && (part == "" || part == "." || part == ".."):
			continue
		case part == ".":
			part = "_"
		case part == "..":
			part = "__"
		case i == last:
			part = withoutVersion(part)
		}
		kept = append(kept, part)
	}
	return strings.Join(kept, "/")
}

// unzipShows is a name without control characters; it need not be UTF-8.
func unzipShows(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		if c := name[i]; c >= ' ' && c != 0x7f && c != 0xff {
			b = append(b, c)
		}
	}
	return string(b)
}

// withoutVersion cuts ";123".
func withoutVersion(name string) string {
	if i := strings.LastIndexByte(name, ';'); i >= 0 && strings.Trim(name[i+1:], "0123456789") == "" {
		return name[:i]
	}
	return name
}
