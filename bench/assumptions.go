package bench

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"repotool/snapshot"
)

// Assumptions are what a forecast takes for granted beside what a survey counts. Those
// that are not given come from the history of snapshots and restores, or from measurements
// that this project has made (README); [Assumptions.From] says which.
type Assumptions struct {
	GrowthGold    float64 `json:"growthGold"`
	GrowthRatio   float64 `json:"growthRatio"`
	Dump          float64 `json:"dump"`
	DumpNight     float64 `json:"dumpNight"`
	DatabaseRaw   float64 `json:"databaseRaw"`
	Standstill    float64 `json:"standstill"`
	RestoreStart  float64 `json:"restoreStart"`
	FilesRate     float64 `json:"filesRate"`
	BytesRate     float64 `json:"bytesRate"`
	DatabaseStart float64 `json:"databaseStart"`
	DatabaseRate  float64 `json:"databaseRate"`
	RebuildFactor float64 `json:"rebuildFactor"`
	Parallel      float64 `json:"parallel"`
	Manifest      float64 `json:"manifest"`
	Cycle         float64 `json:"cycle"`
	KeepCycles    float64 `json:"keepCycles"`
	Kept7         float64 `json:"kept7"`
	Kept30        float64 `json:"kept30"`
	Kept365       float64 `json:"kept365"`
	Block         float64 `json:"block"`

	Retention snapshot.Policy   `json:"retention"`
	KeptAt    map[int]float64   `json:"keptAt"` // where the snapshots that stay lie, after so many nights: 0 is the first, 1 the last
	From      map[string]string `json:"from"`   // where a value comes from, in a few words
}

// An Assumption is one of the [Assumptions], with its name.
type Assumption struct {
	Name  string  `json:"name"`
	Says  string  `json:"says"` // what it is
	Value float64 `json:"value"`
	Bytes bool    `json:"bytes"` // it is a number of bytes
	From  string  `json:"from"`
	Least float64 `json:"least"` // what divides must not be nothing
}

// assumed is the table of them, in the order in which they are shown: names, help, page and
// the documented keys of the answer are all made of it.
var assumed = []struct {
	name, says string
	bytes      bool
	least      float64
	in         func(*Assumptions) *float64
}{
	{"growthGold", "bytes of gold that come a day", true, 0, func(a *Assumptions) *float64 { return &a.GrowthGold }},
	{"growthRatio", "bytes of files that come with one of gold", false, 0, func(a *Assumptions) *float64 { return &a.GrowthRatio }},
	{"dump", "bytes that the first dump of the database takes", true, 0, func(a *Assumptions) *float64 { return &a.Dump }},
	{"dumpNight", "bytes that each further one adds", true, 0, func(a *Assumptions) *float64 { return &a.DumpNight }},
	{"databaseRaw", "bytes of a dump, not compressed", true, 0, func(a *Assumptions) *float64 { return &a.DatabaseRaw }},
	{"standstill", "seconds that FOSSology stands still in a night", false, 0, func(a *Assumptions) *float64 { return &a.Standstill }},
	{"restoreStart", "seconds of any restore, however small", false, 0, func(a *Assumptions) *float64 { return &a.RestoreStart }},
	{"filesRate", "files a second that a restore makes", false, 1, func(a *Assumptions) *float64 { return &a.FilesRate }},
	{"bytesRate", "bytes a second that it copies", true, 1, func(a *Assumptions) *float64 { return &a.BytesRate }},
	{"databaseStart", "seconds of any database, however small", false, 0, func(a *Assumptions) *float64 { return &a.DatabaseStart }},
	{"databaseRate", "bytes of a dump a second that it loads", true, 1, func(a *Assumptions) *float64 { return &a.DatabaseRate }},
	{"rebuildFactor", "times the seconds of the ledger that unpacking takes", false, 0, func(a *Assumptions) *float64 { return &a.RebuildFactor }},
	{"parallel", "golds that are unpacked at once", false, 1, func(a *Assumptions) *float64 { return &a.Parallel }},
	{"manifest", "bytes of a manifest for each file", true, 0, func(a *Assumptions) *float64 { return &a.Manifest }},
	{"cycle", "snapshots of a cycle, in the scheme rotating", false, 1, func(a *Assumptions) *float64 { return &a.Cycle }},
	{"keepCycles", "old cycles that stay beside the newest", false, 0, func(a *Assumptions) *float64 { return &a.KeepCycles }},
	{"kept7", "snapshots that stay of 7 nights, in the scheme linked", false, 1, func(a *Assumptions) *float64 { return &a.Kept7 }},
	{"kept30", "of 30 nights", false, 1, func(a *Assumptions) *float64 { return &a.Kept30 }},
	{"kept365", "of 365 nights", false, 1, func(a *Assumptions) *float64 { return &a.Kept365 }},
	{"block", "bytes of a block of the file system", true, 1, func(a *Assumptions) *float64 { return &a.Block }},
}

// List lists them.
func (a *Assumptions) List() (all []Assumption) {
	for _, x := range assumed {
		from := cmp.Or(a.From[x.name], "not known: no snapshot has a dump of the database")
		all = append(all, Assumption{x.name, x.says, *x.in(a), x.bytes, from, x.least})
	}
	return all
}

// AssumptionsHelp says what can be assumed, a line for each.
func AssumptionsHelp() string {
	var b strings.Builder
	for _, x := range assumed {
		fmt.Fprintf(&b, "    %-14s%s\n", x.name, x.says)
	}
	return b.String()
}

// Set changes one by NAME=VALUE. Numbers of bytes may have a unit, which size reads.
func (a *Assumptions) Set(text string, size func(string) (uint64, error)) error {
	name, value, ok := strings.Cut(text, "=")
	for _, x := range assumed {
		if x.name != name || !ok {
			continue
		}
		v, err := number(value, x.bytes, x.least, size)
		if err != nil {
			return fmt.Errorf("--assume %q: %w", text, err)
		}
		*x.in(a), a.From[name] = v, given
		return nil
	}
	var known []string
	for _, x := range assumed {
		known = append(known, x.name)
	}
	for _, x := range figures {
		known = append(known, x.name)
	}
	return fmt.Errorf("--assume %q: expected NAME=VALUE, with one of the names %s", text, strings.Join(known, ", "))
}

// given is where a value comes from that somebody has set: nothing that is learned takes its place.
const given = "given"

// take sets one that nobody has given.
func (a *Assumptions) take(name string, value float64, from string) {
	if a.From[name] == given {
		return
	}
	for _, x := range assumed {
		if x.name == name {
			*x.in(a), a.From[name] = value, from
		}
	}
}

// No installation has more: 100 PB, or a billion of anything else.
const (
	mostBytes = 1e17
	mostCount = 1e9
)

func mostOf(bytes bool) float64 {
	if bytes {
		return mostBytes
	}
	return mostCount
}

// Once says that no name is given twice by NAME=VALUE.
func Once(texts []string) error {
	seen := map[string]string{}
	for _, text := range texts {
		name, _, _ := strings.Cut(text, "=")
		if before, twice := seen[name]; twice {
			return fmt.Errorf("--assume %q: %s is given already: --assume %q", text, name, before)
		}
		seen[name] = text
	}
	return nil
}

// Shown says whether a forecast has figures that can be told: numbers of bytes that fit into
// 63 bits, and less than three hundred years.
func Shown(choices []Choice) error {
	const centuries = 9e9 // seconds
	for i := range choices {
		c := &choices[i]
		for days, bytes := range c.Bytes {
			if math.IsNaN(bytes) || bytes < 0 || bytes > 9e18 {
				return fmt.Errorf("--assume: by these figures %s takes %g bytes after %d nights: give others", c.Name(), bytes, days)
			}
		}
		for _, s := range []float64{c.Standstill, c.Service, c.Last} {
			if math.IsNaN(s) || s < 0 || s > centuries {
				return fmt.Errorf("--assume: by these figures %s takes %g seconds: give others", c.Name(), s)
			}
		}
	}
	return nil
}

// number reads one that is at least so much.
func number(value string, bytes bool, least float64, size func(string) (uint64, error)) (float64, error) {
	v, err := strconv.ParseFloat(value, 64)
	if err != nil && bytes {
		var n uint64
		n, err = size(value)
		v = float64(n)
	}
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < least {
		return 0, fmt.Errorf("expected a number of at least %g", least)
	}
	if most := mostOf(bytes); v > most {
		return 0, fmt.Errorf("expected a number of at most %g", most)
	}
	return v, nil
}
