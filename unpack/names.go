package unpack

import (
	"strings"
	"unicode/utf8"
)

// DisplayName is a name as FOSSology enters it in uploadtree: what is not
// printable ASCII, slashes and backslashes become "~"; a name that is not UTF-8
// becomes empty. So names are not unique in a directory.
func DisplayName(name string) string {
	if !utf8.ValidString(name) {
		return ""
	}
	plain := true
	for i := range len(name) {
		plain = plain && showable(name[i])
	}
	if plain {
		return name
	}
	b := []byte(name)
	for i, c := range b {
		if !showable(c) {
			b[i] = '~'
		}
	}
	return string(b)
}

func showable(c byte) bool { return c >= ' ' && c < 0x7f && c != '/' && c != '\\' }

// withoutEnding is the name of what comes out of a gzip, bzip2, compress or PDF:
// the last ending goes, unless it begins with a digit.
func withoutEnding(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || i+1 < len(name) && name[i+1] >= '0' && name[i+1] <= '9' {
		return name
	}
	return name[:i]
}

// cutAt is the name of what comes out of a compressor whose endings are known, in
// upper case or lower: everything from the first of them on goes.
func cutAt(name string, endings ...string) string {
	for i := range len(name) {
		for _, e := range endings {
			if len(name)-i >= len(e) && strings.EqualFold(name[i:i+len(e)], e) {
				return name[:i]
			}
		}
	}
	return name
}
