package main

import (
	"fmt"
	"strings"

	"repotool/unpack"
)

// lacks says what the unpacker that proved a snapshot's files had, and this one has not:
// what it made may not come back here. then is a manifest's Unpacker.
func lacks(then string, have []unpack.Tool) (lines []string) {
	var version int
	if _, err := fmt.Sscanf(then, "unpack %d", &version); err == nil && version > unpack.Version {
		lines = append(lines, fmt.Sprintf("a later repotool proved what was left out (unpack %d, this is %d): use that one", version, unpack.Version))
	}
	for _, t := range have {
		if t.Path == "" && strings.Contains(then+" ", ", "+t.Name+" ") {
			lines = append(lines, fmt.Sprintf("%s is missing here, which opened %s when the snapshot was taken: install %s first, or these files do not come back", t.Name, t.For, t.Package))
		}
	}
	return lines
}
