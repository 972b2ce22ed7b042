package goldindex

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zeebo/blake3"

	"repotool/unpack"
)

// An Unpacker is who unpacked a gold: a version of package unpack, and those of the
// tools of the system that it asked. A tool that was missing has the version "".
type Unpacker struct {
	Version int               `json:"version"`
	Tools   map[string]string `json:"tools,omitempty"`
}

// Present is the unpacker of this program on this machine.
func Present(ctx context.Context) (Unpacker, error) {
	tools, err := unpack.ToolVersions(ctx)
	return Unpacker{unpack.Version, tools}, err
}

// using is the unpacker of one gold, which depends on some of the tools only.
func (u Unpacker) using(tools []string) Unpacker {
	of := Unpacker{Version: u.Version}
	for _, t := range tools {
		if of.Tools == nil {
			of.Tools = map[string]string{}
		}
		of.Tools[t] = u.Tools[t]
	}
	return of
}

// id stands for an unpacker in the name of a record's file.
func (u Unpacker) id() uint64 {
	b := []byte(strconv.Itoa(u.Version) + "\n")
	for _, t := range slices.Sorted(maps.Keys(u.Tools)) {
		b = append(b, t+"\x00"+strings.ReplaceAll(u.Tools[t], "\n", " ")+"\n"...)
	}
	sum := blake3.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}

// maxTools bounds the subsets that ids lists; there are six tools.
const maxTools = 12

// ids are the ids of all unpackers that this one is today, whatever tools a gold
// needed: so the name of a file says whether its record is out of date, and a new
// version of one tool makes only the golds new that depend on it.
func (u Unpacker) ids() map[uint64]bool {
	tools := slices.Sorted(maps.Keys(u.Tools))
	tools = tools[:min(len(tools), maxTools)]
	ids := map[uint64]bool{}
	for subset := range 1 << len(tools) {
		var some []string
		for i, t := range tools {
			if subset>>i&1 == 1 {
				some = append(some, t)
			}
		}
		ids[u.using(some).id()] = true
	}
	return ids
}
