package main

import (
	"strings"
	"testing"

	"repotool/goldindex"
	"repotool/unpack"
)

// TestLacks: a tool that is gone since is told of, one that was never there is not.
func TestLacks(t *testing.T) {
	then := unpackerName(goldindex.Unpacker{Version: unpack.Version, Tools: map[string]string{"7z": "7-Zip 26", "fls": "", "file": "file-5.44\nmagic file"}})
	have := []unpack.Tool{{Name: "7z", Package: "7zip", For: "7z, cab"}, {Name: "fls", Package: "sleuthkit"}, {Name: "file", Path: "/usr/bin/file"}}
	got := lacks(then, have)
	if len(got) != 1 || !strings.HasPrefix(got[0], "7z is missing") {
		t.Errorf("%q", got)
	}
	have[0].Path = "/usr/bin/7z"
	if got := lacks(then, have); len(got) != 0 {
		t.Errorf("all there: %q", got)
	}
	later := unpackerName(goldindex.Unpacker{Version: unpack.Version + 1})
	if got := lacks(later, have); len(got) != 1 || !strings.Contains(got[0], "later repotool") {
		t.Errorf("%q", got)
	}
}
