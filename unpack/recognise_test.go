package unpack

import (
	"slices"
	"strings"
	"testing"
)

func TestParseFls(t *testing.T) {
	for line, want := range map[string]flsLine{
		"r/r 64-128-2:\tREADME.txt":            {kind: "r/r", inode: "64-128-2", path: "README.txt"},
		"d/d 12:\ta b/c: d":                    {kind: "d/d", inode: "12", path: "a b/c: d"},
		"r/r 9-128-2:\t$Secure:$SDS":           {kind: "r/r", inode: "9-128-2", path: "$Secure:$SDS"},
		"r/r * 17:\tgone":                      {kind: "r/r", inode: "17", path: "gone", deleted: true},
		"r/r * 18(realloc):\tgone":             {kind: "r/r", inode: "18", path: "gone", deleted: true, reused: true},
		"V/V 80:\t$OrphanFiles":                {kind: "V/V", inode: "80", path: "$OrphanFiles"},
		"r/r 5:\tname\twith a tab":             {kind: "r/r", inode: "5", path: "name\twith a tab"},
		"d/d 3(realloc):\tits inode is reused": {kind: "d/d", inode: "3", path: "its inode is reused", reused: true},
	} {
		if got, ok := parseFls(line); !ok || got != want {
			t.Errorf("%q: %+v %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "r/r", "r/r 5:", "r/r 5:\t", "Error: no file system", "r/r --help x:\tname", "r/r :\tname"} {
		if got, ok := parseFls(line); ok {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

func TestDscNames(t *testing.T) {
	text := "Format: 1.0\nBinary: a\n b c d\nChecksums-Sha1:\n 0a1b 12 x_1.tar.gz\n 0a1c 13 x_1-1.diff.gz\nFiles:\n ff 12 x_1.tar.gz\n"
	if got, want := dscNames(strings.NewReader(text)), []string{"x_1.tar.gz", "x_1-1.diff.gz"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestIsPart(t *testing.T) {
	for name, want := range map[string]bool{
		"a_1.dsc": true, "a_1.orig.tar.gz": true, "a_1-1.debian.tar.xz": true, "a_1-1.diff.gz": true, "a_1.orig-doc.tar.bz2": true,
		"a_1.orig.tar.xz.asc": true, "a-1.tar.gz": false, "_1.tar.gz": false, "a_1.zip": false, "a_1_amd64.deb": false, "": false,
	} {
		if isPart(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

// FuzzToolFormats: whoever looks at the beginning of a content takes any.
func FuzzToolFormats(f *testing.F) {
	ext := make([]byte, 1082)
	copy(ext[1080:], "\x53\xef")
	boot := make([]byte, 512)
	copy(boot[510:], bootMark)
	for _, head := range [][]byte{nil, ext, boot, []byte("MZ"), []byte("MSCF"), []byte("%PDF-"), []byte("Format: Source: Version:")} {
		f.Add("a.dsc", head)
	}
	f.Fuzz(func(t *testing.T, name string, head []byte) {
		if len(head) > headSize {
			return
		}
		for _, x := range formats {
			x.is(name, head)
		}
		isExt2or3(head)
		hasMagic(head, 0)
		parseFls(string(head))
		dscNames(strings.NewReader(string(head)))
	})
}
