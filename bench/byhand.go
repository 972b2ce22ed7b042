package bench

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"repotool/prune"
)

// A figure of a survey that was made by hand, of an installation that is elsewhere, or is yet
// to come. Those that are not given follow from the others.
type figure struct {
	name, says string
	bytes      bool
	least      float64
	otherwise  func(map[string]float64) (value float64, from string)
}

// Of what is measured: make bench has files of 16 kB, as real servers have; make bench-unpack
// takes 914 MB out of gold in 8.1 seconds of processor; testdata/small has a residue of 1 %.
const (
	usualFile    = 16e3
	usualGold    = 10e6
	usualUnpack  = 914e6 / 8.1
	usualResidue = 0.01
)

// figures is the table of them, each of which follows from those above it.
var figures = []figure{
	{"gold", "bytes of gold", true, 1, nil},
	{"files", "bytes of files, the copies of gold among them", true, 1, nil},
	{"golds", "how many golds there are", false, 1, func(v map[string]float64) (float64, string) {
		return math.Max(1, math.Round(v["gold"]/usualGold)), "10 MB each"
	}},
	{"fileCount", "how many files there are", false, 1, func(v map[string]float64) (float64, string) {
		return math.Max(1, math.Round(v["files"]/usualFile)), "16 kB each, as make bench has them"
	}},
	{"residue", "bytes of files that gold does not bring back", true, 0, func(v map[string]float64) (float64, string) {
		return v["files"] * usualResidue, "1 %, as in testdata/small (repotool gold status)"
	}},
	{"unpack", "seconds to unpack all gold, one after another", false, 0, func(v map[string]float64) (float64, string) {
		return comesOut(v) / usualUnpack, fmt.Sprintf("%.0f MB a second (make bench-unpack)", usualUnpack/1e6)
	}},
	{"longest", "seconds of the gold that takes longest", false, 0, func(v map[string]float64) (float64, string) {
		return v["unpack"] / math.Min(10, v["golds"]), "a tenth of all"
	}},
}

// ByHand makes a survey of figures given as NAME=VALUE, and returns what was not one of them:
// that is for [Assumptions.Set]. Without any, there is no survey.
func ByHand(texts []string, size func(string) (uint64, error), now time.Time) (s *Survey, rest []string, err error) {
	v := map[string]float64{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		known := false
		for _, x := range figures {
			if x.name != name || !ok {
				continue
			}
			known = true
			if v[name], err = number(value, x.bytes, x.least, size); err != nil {
				return nil, nil, fmt.Errorf("--assume %q: %w", text, err)
			}
		}
		if !known {
			rest = append(rest, text)
		}
	}
	if len(v) == 0 {
		return nil, rest, nil
	}
	if v["gold"] == 0 || v["files"] == 0 { // neither may be nothing
		return nil, nil, errors.New("--assume: figures by hand take the place of an installation: give gold and files, both")
	}
	var list []Assumption
	for _, x := range figures {
		from := given
		if _, ok := v[x.name]; !ok {
			v[x.name], from = x.otherwise(v)
		}
		list = append(list, Assumption{Name: x.name, Says: x.says, Value: v[x.name], Bytes: x.bytes, From: from, Least: x.least})
	}
	for _, x := range []struct{ part, whole string }{{"residue", "files"}, {"longest", "unpack"}} {
		if v[x.part] > v[x.whole] {
			return nil, nil, fmt.Errorf("--assume: %s is a part of %s, and cannot be more: %g of %g", x.part, x.whole, v[x.part], v[x.whole])
		}
	}
	s = surveyOf(v, now)
	s.ByHand = list
	return s, rest, nil
}

// comesOut are the bytes that gold makes: its copies among files are none of them.
func comesOut(v map[string]float64) float64 {
	if v["files"] < v["gold"] { // there are no copies
		return v["files"]
	}
	return v["files"] - v["gold"]
}

// surveyOf has all figures of a survey; half a block of each file stays empty.
func surveyOf(v map[string]float64, now time.Time) *Survey {
	of := func(files, bytes float64) Holding {
		files = math.Max(1, math.Round(files))
		disk := int64(bytes + 2048*files)
		return Holding{Files: int64(files), Bytes: int64(bytes), Disk: disk, Stored: disk}
	}
	residue := math.Min(1, v["residue"]/v["files"])
	golds := int64(v["golds"])
	proven := of(v["fileCount"]*(1-residue), v["files"]*(1-residue))
	var copies Holding // FOSSology has each upload among files, too
	if v["files"] >= v["gold"] && v["fileCount"] >= v["golds"] {
		copies = of(v["golds"], v["gold"])
	}
	left := of(math.Max(0, float64(proven.Files-copies.Files)), math.Max(0, float64(proven.Bytes-copies.Bytes)))
	making := Making{Needed: golds, Least: v["unpack"], Longest: v["longest"]}
	return &Survey{Repository: "figures by hand", Time: now.UTC(), Uploads: golds,
		DirsDisk: int64(4096 * (nativeFolders(v["golds"]) + nativeFolders(v["fileCount"]))),
		Gold:     of(v["golds"], v["gold"]), Files: of(v["fileCount"], v["files"]), Unproven: of(v["fileCount"]*residue, v["files"]*residue),
		GoldToo: copies, Proven: proven, LeftOut: left, Classes: map[prune.Class]Holding{}, Months: []Month{}, Largest: []UploadSize{},
		Prunable: map[prune.Level]Holding{prune.Derived: proven}, Undo: map[prune.Level]Making{prune.Derived: making},
		Rebuild: Rebuild{Golds: golds, Seconds: v["unpack"], Bytes: int64(comesOut(v)), Making: making}}
}

// FiguresHelp says which figures can be given by hand, a line for each.
func FiguresHelp() string {
	var b strings.Builder
	for _, x := range figures {
		fmt.Fprintf(&b, "    %-14s%s\n", x.name, x.says)
	}
	return b.String()
}
