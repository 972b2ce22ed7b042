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

	Disk      float64 `json:"disk"`      // bytes of the blocks of what is kept
	Names     float64 `json:"names"`     // in a manifest, of which nights share most
	DayGold   float64 `json:"dayGold"`   // names of gold in a day
	DayOthers float64 `json:"dayOthers"` // and of the rest
	Ledger    float64 `json:"ledger"`    // bytes of it, which lies in the store; a full backup needs none

	// What comes with a byte of gold, and what with one of files.
	GoldDisk     float64 `json:"goldDisk"`
	GoldNames    float64 `json:"goldNames"` // in a manifest, and in a day
	FilesDisk    float64 `json:"filesDisk"`
	FilesNames   float64 `json:"filesNames"` // in a manifest
	FilesDay     float64 `json:"filesDay"`   // in a day
	FilesLeftOut float64 `json:"filesLeftOut"`
	FilesLedger  float64 `json:"filesLedger"`

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
	if c.Strategy == "gold" {
		kept = s.Kept()
		p.Ledger = float64(s.Ledger)
		p.LeftOut, p.LeftOutBytes = float64(s.LeftOut.Files), float64(s.LeftOut.Bytes)
		p.Rebuild, p.Longest = s.Rebuild.Least, s.Rebuild.Longest
	}
	p.Disk, p.Files, p.Bytes = float64(kept.Stored), float64(kept.Files+s.GoldToo.Files), float64(kept.Bytes+s.GoldToo.Bytes)
	p.Names = float64(s.Gold.Files + s.Files.Files + s.Other.Files)
	p.DayGold = float64(s.Gold.Files) // gold and files apart
	p.DayOthers = math.Max(0, p.Files-p.DayGold)
	ofGold, ofFiles := s.Gold.perByte, s.Files.perByte
	p.GoldDisk, p.FilesDisk = ofGold(float64(s.Gold.Stored), 1), ofFiles(float64(kept.Stored-s.Gold.Stored-s.Other.Stored), 1)
	p.GoldNames, p.FilesNames = ofGold(p.DayGold, 0), ofFiles(float64(s.Files.Files), 0)
	p.FilesDay = ofFiles(p.DayOthers-float64(s.Other.Files), 0)
	p.FilesLeftOut, p.FilesLedger = ofFiles(p.LeftOut, 0), ofFiles(p.Ledger, 0)
}

// perByte is how much of something there is for each byte of a holding; of an empty one that
// is not known.
func (h Holding) perByte(n, unknown float64) float64 {
	if h.Bytes == 0 {
		return unknown
	}
	return math.Max(0, n/float64(h.Bytes))
}

// grown are the parts when so many bytes of gold, and of files, have come: of the same kind as
// what there is.
func (p Parts) grown(gold, files float64) Parts {
	p.Disk += gold*p.GoldDisk + files*p.FilesDisk
	p.Names += gold*p.GoldNames + files*p.FilesNames
	p.DayGold += gold * p.GoldNames
	p.DayOthers += files * p.FilesDay
	p.LeftOut += files * p.FilesLeftOut
	p.Ledger += files * p.FilesLedger
	return p
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
	c.sum(&c.Parts, a)
	for _, h := range Horizons {
		c.Snapshots[h], c.Bases[h] = c.kept(h, a)
		then := c.Parts.grown(a.come(h))
		c.sum(&then, a)
		if c.Scheme == "linked" { // of rotating only the last ones stay
			then.Snapshot = c.Parts.Snapshot + a.KeptAt[h]*(then.Snapshot-c.Parts.Snapshot)
		}
		c.Bytes[h] = then.bytes(c.Snapshots[h], c.Bases[h], a)
	}
	p := &c.Parts
	c.Standstill = a.Standstill
	c.Service = a.RestoreStart + a.files(p.Files, p.Bytes) + a.database()
	c.Last = c.Service
	if c.Strategy == "gold" {
		c.Last += a.RebuildFactor*atOnce(p.Rebuild, p.Longest, a.Parallel) + a.files(p.LeftOut, p.LeftOutBytes)
	}
}

// come are the bytes of gold, and of files, that come until the last of so many nights.
func (a *Assumptions) come(nights int) (gold, files float64) {
	gold = a.GrowthGold * float64(nights-1)
	return gold, gold * a.GrowthRatio
}

// sum makes the first three parts of the rest.
func (c *Choice) sum(p *Parts, a *Assumptions) {
	day := p.day(c.Days, a.Block)
	p.Base = p.Disk + objectFolders*a.Block + ceilTo(p.Names*a.Manifest, a.Block)
	p.Snapshot, p.Around = snapshotFiles*a.Block+day, p.Ledger
	if c.Scheme == "rotating" {
		p.Base += day
		p.Snapshot = 2*snapshotFiles*a.Block + p.rebuildText(a.Block)
		p.Around = p.Ledger + objectFolders*a.Block
	}
}

// atOnce is how long golds take that are unpacked side by side, the largest first.
func atOnce(seconds, longest, parallel float64) float64 { return math.Max(longest, seconds/parallel) }

// bytes are what so many snapshots take, of which so many have everything of their own: all as
// much as the last one.
func (p *Parts) bytes(snapshots, bases int, a *Assumptions) float64 {
	return p.Around + float64(bases)*(p.Base+a.Dump) + float64(snapshots)*p.Snapshot + float64(max(0, snapshots-bases))*a.DumpNight
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
		if layout == "native" {
			bytes += nativeFolders(n) * block
			continue
		}
		folders := filled(256, n)
		bytes += folders * ceilTo(n/folders*nameBytes/fullness, block)
	}
	return bytes
}

// nativeFolders are those of FOSSology's own layout: three levels of two hex digits.
func nativeFolders(n float64) (folders float64) {
	for level := range 3 {
		folders += filled(math.Pow(256, float64(level+1)), n)
	}
	return folders
}

// rebuildText is what REBUILD.txt.zst takes.
func (p *Parts) rebuildText(block float64) float64 { return ceilTo(p.LeftOut*rebuildLine, block) }

// filled is how many of so many places hold something when n things fall into them.
func filled(places, n float64) float64 { return places * -math.Expm1(n*math.Log1p(-1/places)) }

func ceilTo(n, of float64) float64 { return math.Ceil(n/of) * of }
