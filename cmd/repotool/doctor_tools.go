package main

import (
	"context"
	"strings"

	"repotool/unpack"
)

// unpackers looks for the programs that some formats of archives need. Without one, what
// only it opens is not proven and so is stored: that costs room, and no run fails.
func (x *examination) unpackers(ctx context.Context) {
	const what = "unpack"
	versions, err := unpack.ToolVersions(ctx)
	if err != nil {
		x.warn(what, "install the program again: repotool index does not run like that", "%v", err)
	}
	for _, t := range unpack.Tools() {
		switch version := versions[t.Name]; {
		case t.Path == "":
			name, other, either := strings.Cut(t.Package, " or ")
			if either {
				name += " (or " + other + ")"
			}
			x.note(what, "apt-get install "+name+", then repotool index", "%s is missing, so gold does not bring back: %s", t.Name, t.For)
		case version == "":
			x.ok(what, "%s in %s", t.Name, t.Path)
		default:
			x.ok(what, "%s in %s: %s", t.Name, t.Path, printable(version))
		}
	}
}
