package bench

import (
	"math"
	"strings"
)

// A Choice is a way to back up, and what it costs.
type Choice struct {
	Strategy   string          `json:"strategy"` // full, gold
	Scheme     string          `json:"scheme"`   // linked, rotating
	Days       string          `json:"days"`     // flat, native, none
	Bytes      map[int]float64 `json:"bytes"`    // on the disk, after so many days
	Snapshots  map[int]int     `json:"snapshots"`
	Bases      map[int]int     `json:"bases"`      // how many times everything lies there, at most
	Standstill float64         `json:"standstill"` // seconds of a night
	Service    float64         `json:"service"`    // seconds until FOSSology can start: gold, residue, database
	Last       float64         `json:"last"`       // seconds until the last file is back
	Parts      Parts           `json:"parts"`
}

// Parts are the terms of a forecast, of which a page makes it again when somebody changes
// an assumption. The first three are made of those below them.
type Parts struct {
	Base     float64 `json:"base"`     // bytes at the first snapshot, without its own and the dump
	Snapshot float64 `json:"snapshot"` // bytes of each snapshot that is kept, without the dump
	Around   float64 `json:"around"`   // bytes of the store around cycles, and of the ledger

	FilesShare float64 `json:"filesShare"` // of the growth of files, that is kept
	Disk       float64 `json:"disk"`       // bytes of the blocks of what is kept
	Names      float64 `json:"names"`      // in a manifest, of which nights share most
	DayGold    float64 `json:"dayGold"`    // names of gold in a day
	DayOthers  float64 `json:"dayOthers"`  // and of the rest

	Ledger      float64 `json:"ledger"`      // bytes of it, which lies in the store; a full backup needs none
	LedgerShare float64 `json:"ledgerShare"` // bytes of it for one of files

	Files        float64 `json:"files"`        // that a restore makes until service
	Bytes        float64 `json:"bytes"`        // of them
	Rebuild      float64 `json:"rebuild"`      // seconds of unpacking, one gold after another
	Longest      float64 `json:"longest"`      // of one gold
	LeftOut      float64 `json:"leftOut"`      // files that come of it
	LeftOutBytes float64 `json:"leftOutBytes"` // of them
}

// Horizons are the nights after which bytes are told; the first brings the first snapshot.
var Horizons = []int{1, 7, 30, 365}

// Name is what people call a choice.
func (c *Choice) Name() string {
	if c.Days == "none" {
		return strings.Join([]string{c.Strategy, c.Scheme, "no days"}, ", ")
	}
	return strings.Join([]string{c.Strategy, c.Scheme, c.Days + " days"}, ", ")
}

// Forecast says what each choice costs.
func Forecast(s *Survey, a *Assumptions) (all []Choice) {
	for _, strategy := range []string{"full", "gold"} {
		for _, scheme := range []string{"linked", "rotating"} {
			for _, days := range []string{"flat", "native", "none"} {
				if scheme == "rotating" && days == "none" {
					continue // its days are what it is for
				}
				c := Choice{Strategy: strategy, Scheme: scheme, Days: days, Bytes: map[int]float64{}, Snapshots: map[int]int{}, Bases: map[int]int{}}
				c.count(s)
				c.cost(a)
				all = append(all, c)
			}
		}
	}
	return all
}

// count takes the parts out of a survey.
func (c *Choice) count(s *Survey) {
	p, kept := &c.Parts, s.All()
	p.FilesShare = 1
	if c.Strategy == "gold" {
		kept = s.Kept()
		p.FilesShare = float64(s.Unproven.Bytes) / math.Max(1, float64(s.Files.Bytes))
		p.Ledger, p.LedgerShare = float64(s.Ledger), float64(s.Ledger)/math.Max(1, float64(s.Files.Bytes))
		p.LeftOut, p.LeftOutBytes = float64(s.LeftOut.Files), float64(s.LeftOut.Bytes)
		p.Rebuild, p.Longest = s.Rebuild.Least, s.Rebuild.Longest
	}
	p.Disk, p.Files, p.Bytes = float64(kept.Stored), float64(kept.Files+s.GoldToo.Files), float64(kept.Bytes+s.GoldToo.Bytes)
	p.Names = float64(s.Gold.Files + s.Files.Files + s.Other.Files)
	p.DayGold = float64(s.Gold.Files) // gold and files apart
	p.DayOthers = math.Max(0, p.Files-p.DayGold)
}

// What a forecast of bytes is made of. page.js has the same figures and formulas; the test
// with a browser compares both.
const (
	objectFolders = 256
	snapshotFiles = 4 // manifest, what is new in it, summary, and their directory
	dayFolders    = 7 // the day, its host, the database and its dump, logs, RESTORE.txt
	// A name in a directory of ext4 takes 8 bytes and its length, in fours; blocks are full
	// to two thirds after names have come in any order.
	nameBytes = 88
	fullness  = 0.68
	// rebuildLine is what a line of REBUILD.txt.zst takes, which says what gold makes.
	rebuildLine = 48
)

// cost makes a forecast of the parts.
func (c *Choice) cost(a *Assumptions) {
	p := &c.Parts
	day := p.day(c.Days, a.Block)
	p.Base = p.Disk + objectFolders*a.Block + ceilTo(p.Names*a.Manifest, a.Block)
	p.Snapshot, p.Around = snapshotFiles*a.Block+day, p.Ledger
	if c.Scheme == "rotating" {
		p.Base += day
		p.Snapshot = 2*snapshotFiles*a.Block + p.rebuildText(a.Block)
		p.Around = p.Ledger + objectFolders*a.Block
	}
	for _, h := range Horizons {
		c.Snapshots[h], c.Bases[h] = c.kept(h, a)
		c.Bytes[h] = p.after(h, c.Snapshots[h], c.Bases[h], a)
	}
	c.Standstill = a.Standstill
	c.Service = a.RestoreStart + a.files(p.Files, p.Bytes) + a.database()
	c.Last = c.Service
	if c.Strategy == "gold" {
		c.Last += a.RebuildFactor*atOnce(p.Rebuild, p.Longest, a.Parallel) + a.files(p.LeftOut, p.LeftOutBytes)
	}
}

// atOnce is how long golds take that are unpacked side by side, the largest first.
func atOnce(seconds, longest, parallel float64) float64 { return math.Max(longest, seconds/parallel) }

// after are the bytes after so many nights.
func (p *Parts) after(days, snapshots, bases int, a *Assumptions) float64 {
	growth := a.GrowthGold + a.GrowthFiles*p.FilesShare
	return p.Around + p.LedgerShare*a.GrowthFiles*float64(days-1) + float64(bases)*(p.Base+a.Dump+growth*float64(days-1)) + (p.Snapshot+a.DumpNight)*float64(snapshots)
}

// kept is how many snapshots there are after so many days with one a night, and how many
// times everything lies there. Of cycles it is the most that there ever was up to then: while a
// new base is made, the old cycle stands beside it.
func (c *Choice) kept(days int, a *Assumptions) (snapshots, bases int) {
	if c.Scheme == "rotating" {
		cycle, keep := int(a.Cycle), int(a.KeepCycles)
		return min(days, cycle*(keep+1)+1), min((days+cycle-1)/cycle, keep+2)
	}
	return int(map[int]float64{1: 1, 7: a.Kept7, 30: a.Kept30, 365: a.Kept365}[days]), 1
}

// day is what a day directory takes: nothing but directories, whose files are links.
func (p *Parts) day(layout string, block float64) float64 {
	if layout == "none" {
		return 0
	}
	bytes := dayFolders*block + p.rebuildText(block)
	for _, n := range []float64{p.DayGold, p.DayOthers} {
		if n < 1 {
			continue
		}
		if layout == "native" { // FOSSology's own: three levels of two hex digits
			for level := range 3 {
				bytes += filled(math.Pow(256, float64(level+1)), n) * block
			}
			continue
		}
		folders := filled(256, n)
		bytes += folders * ceilTo(n/folders*nameBytes/fullness, block)
	}
	return bytes
}

// rebuildText is what REBUILD.txt.zst takes.
func (p *Parts) rebuildText(block float64) float64 { return ceilTo(p.LeftOut*rebuildLine, block) }

// filled is how many of so many places hold something when n things fall into them.
func filled(places, n float64) float64 { return places * -math.Expm1(n*math.Log1p(-1/places)) }

func ceilTo(n, of float64) float64 { return math.Ceil(n/of) * of }
