package bench

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// An Assumption is one of the [Assumptions], with its name.
type Assumption struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Bytes bool    `json:"bytes"` // it is a number of bytes
	From  string  `json:"from"`
}

// field finds one by its name.
func (a *Assumptions) field(name string) (value *float64, bytes bool) {
	switch name {
	case "growthGold":
		return &a.GrowthGold, true
	case "growthFiles":
		return &a.GrowthFiles, true
	case "dump":
		return &a.Dump, true
	case "dumpNight":
		return &a.DumpNight, true
	case "databaseRaw":
		return &a.DatabaseRaw, true
	case "standstill":
		return &a.Standstill, false
	case "filesRate":
		return &a.FilesRate, false
	case "bytesRate":
		return &a.BytesRate, true
	case "databaseRate":
		return &a.DatabaseRate, true
	case "manifest":
		return &a.Manifest, true
	case "parallel":
		return &a.Parallel, false
	case "cycle":
		return &a.Cycle, false
	case "block":
		return &a.Block, true
	}
	return nil, false
}

// names of assumptions, in the order in which they are shown.
var names = []string{"growthGold", "growthFiles", "dump", "dumpNight", "databaseRaw", "standstill", "filesRate", "bytesRate", "databaseRate", "manifest", "parallel", "cycle", "block"}

// List lists them.
func (a *Assumptions) List() (all []Assumption) {
	for _, name := range names {
		v, bytes := a.field(name)
		all = append(all, Assumption{name, *v, bytes, cmp.Or(a.From[name], "not known: no snapshot has a dump of the database")})
	}
	return all
}

// Set changes one by NAME=VALUE. Numbers of bytes may have a unit, which size reads.
func (a *Assumptions) Set(text string, size func(string) (uint64, error)) error {
	name, value, ok := strings.Cut(text, "=")
	to, bytes := a.field(name)
	if !ok || to == nil {
		return fmt.Errorf("--assume %q: expected NAME=VALUE, with one of the names %s", text, strings.Join(names, ", "))
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil && bytes {
		var n uint64
		n, err = size(value)
		v = float64(n)
	}
	// What divides must not be nothing.
	least := 0.0
	switch name {
	case "filesRate", "bytesRate", "databaseRate", "parallel", "cycle", "block":
		least = 1
	}
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < least {
		return fmt.Errorf("--assume %q: expected a number of at least %g", text, least)
	}
	*to, a.From[name] = v, "given"
	return nil
}
