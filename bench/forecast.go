package bench

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"repotool/snapshot"
)

// Assumptions are what a forecast takes for granted beside what a survey counts. Those
// that are not given come from the history of snapshots, or from measurements that this
// project has made (README); [Assumptions.From] says which.
type Assumptions struct {
	GrowthGold   float64 `json:"growthGold"`   // bytes of gold a day
	GrowthFiles  float64 `json:"growthFiles"`  // bytes of files a day
	Dump         float64 `json:"dump"`         // bytes that the first dump of the database takes in a store
	DumpNight    float64 `json:"dumpNight"`    // bytes that each further one adds
	DatabaseRaw  float64 `json:"databaseRaw"`  // bytes of the dump, not compressed
	Standstill   float64 `json:"standstill"`   // seconds of a night
	FilesRate    float64 `json:"filesRate"`    // files a second that a restore makes
	BytesRate    float64 `json:"bytesRate"`    // bytes a second that it copies
	DatabaseRate float64 `json:"databaseRate"` // bytes of the dump a second that a restore loads
	Manifest     float64 `json:"manifest"`     // bytes of a manifest for each file
	Parallel     float64 `json:"parallel"`     // golds that are unpacked at once, as when their costs were measured
	Cycle        float64 `json:"cycle"`        // snapshots of a cycle, in the scheme rotating
	Block        float64 `json:"block"`        // bytes of a block of the file system

	Retention snapshot.Policy   `json:"retention"`
	From      map[string]string `json:"from"` // where a value comes from, in a few words
}

// The measured defaults: make bench, 100,000 files on ext4 in memory.
const (
	measuredFilesRate    = 20_000
	measuredBytesRate    = 1e9
	measuredDatabaseRate = 20e6
	measuredManifest     = 62
)

// Assume makes assumptions of a survey and of the snapshots so far, oldest first.
func Assume(s *Survey, history []*snapshot.Summary, p snapshot.Policy) Assumptions {
	const measured = "measured by this project (make bench)"
	a := Assumptions{FilesRate: measuredFilesRate, BytesRate: measuredBytesRate, DatabaseRate: measuredDatabaseRate, Manifest: measuredManifest,
		Cycle: 7, Block: 4096, Parallel: float64(runtime.GOMAXPROCS(0)), Standstill: 1, Retention: p, From: map[string]string{}}
	for _, name := range []string{"filesRate", "bytesRate", "databaseRate", "manifest"} {
		a.From[name] = measured
	}
	a.From["cycle"], a.From["block"], a.From["standstill"] = "a week", "ext4, XFS", "a guess: no snapshot yet"
	a.From["parallel"] = "the processors of this machine"
	a.grow(s)
	a.learn(history)
	return a
}

// grow takes what was uploaded in the last ninety days, or since the first upload.
func (a *Assumptions) grow(s *Survey) {
	days, gold := 90.0, 0.0
	since := s.Time.AddDate(0, 0, -90)
	for i, m := range s.Months {
		at, err := time.Parse("2006-01", m.Month)
		if err != nil {
			continue
		}
		if i == 0 && at.After(since) {
			days = math.Max(1, s.Time.Sub(at).Hours()/24)
		}
		// A month counts as far as it lies in those days.
		end := at.AddDate(0, 1, 0)
		if end.After(since) {
			from := at
			if from.Before(since) {
				from = since
			}
			gold += float64(m.Gold) * end.Sub(from).Hours() / end.Sub(at).Hours()
		}
	}
	a.GrowthGold, a.GrowthFiles = gold/days, gold/days*s.Ratio()
	a.From["growthGold"] = fmt.Sprintf("uploads of the last %.0f days", days)
	a.From["growthFiles"] = "the same, times the ratio of files to gold"
}

// learn takes what snapshots have measured.
func (a *Assumptions) learn(history []*snapshot.Summary) {
	var stills, nights []float64
	first := true
	for _, x := range history {
		if !x.Known() {
			continue
		}
		if x.Standstill > 0 {
			stills = append(stills, x.Standstill)
		}
		if d := x.Database; d != nil {
			a.DatabaseRaw = float64(d.RawBytes)
			if first {
				a.Dump = float64(d.NewBytes)
				a.From["dump"], a.From["databaseRaw"] = "the first snapshot", "the last snapshot"
			} else {
				nights = append(nights, float64(d.NewBytes))
			}
			first = false
		}
	}
	if len(stills) > 0 {
		a.Standstill, a.From["standstill"] = Median(stills), "the median of the snapshots so far"
	}
	if len(nights) > 0 {
		a.DumpNight, a.From["dumpNight"] = Median(nights), "the median of the snapshots so far"
	}
}

// A Choice is a way to back up, and what it costs.
type Choice struct {
	Strategy   string          `json:"strategy"` // full, gold
	Scheme     string          `json:"scheme"`   // linked, rotating
	Days       string          `json:"days"`     // flat, native, none
	Bytes      map[int]float64 `json:"bytes"`    // on the disk, after so many days
	Snapshots  map[int]int     `json:"snapshots"`
	Standstill float64         `json:"standstill"` // seconds of a night
	Service    float64         `json:"service"`    // seconds until FOSSology can start: gold, residue, database
	Last       float64         `json:"last"`       // seconds until the last file is back
	Parts      Parts           `json:"parts"`
}

// Parts are the terms of a forecast, of which a page makes it again when somebody changes
// an assumption.
type Parts struct {
	Base       float64 `json:"base"`       // bytes at the first snapshot, without its own and the dump
	FilesShare float64 `json:"filesShare"` // of the growth of files, that is kept
	Snapshot   float64 `json:"snapshot"`   // bytes of each snapshot that is kept, without the dump
	Copies     float64 `json:"copies"`     // how many times the base lies there, at most
	Files      float64 `json:"files"`      // that a restore makes until service
	Bytes      float64 `json:"bytes"`      // of them
	Rebuild    float64 `json:"rebuild"`    // seconds of unpacking, one gold after another
	Longest    float64 `json:"longest"`    // of one gold
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
				all = append(all, choice(s, a, strategy, scheme, days))
			}
		}
	}
	return all
}

func choice(s *Survey, a *Assumptions, strategy, scheme, days string) Choice {
	c := Choice{Strategy: strategy, Scheme: scheme, Days: days, Bytes: map[int]float64{}, Snapshots: map[int]int{}, Standstill: a.Standstill}
	kept, share := s.All(), 1.0
	if strategy == "gold" {
		kept, share = s.Kept(), float64(s.Unproven.Bytes)/math.Max(1, float64(s.Files.Bytes))
	}
	const folders = 256                                            // of objects
	names := float64(s.Gold.Files + s.Files.Files + s.Other.Files) // in a manifest, of which nights share most
	c.Parts = Parts{Base: float64(kept.Disk) + folders*a.Block + ceilTo(names*a.Manifest, a.Block), FilesShare: share, Copies: 1,
		Files: float64(kept.Files), Bytes: float64(kept.Bytes)}
	shown := float64(kept.Files) + float64(s.GoldToo.Files) // in a day, gold and files apart
	const files = 4                                         // manifest, what is new in it, summary, and their directory
	day := dayBytes(s, a, shown, days)
	if strategy == "gold" && days != "none" {
		day += ceilTo(float64(s.Proven.Files)*rebuildLine, a.Block)
	}
	c.Parts.Snapshot = files*a.Block + day
	if scheme == "rotating" {
		c.Parts.Copies = 2 // a new base is made before the old one goes
		c.Parts.Snapshot = 2 * files * a.Block
		c.Parts.Base += day
	}
	if strategy == "gold" {
		c.Parts.Rebuild, c.Parts.Longest = s.Rebuild.Seconds, s.Rebuild.Longest
	}
	for _, h := range Horizons {
		c.Snapshots[h] = keptAfter(scheme, h, a)
		c.Bytes[h] = c.Parts.after(h, c.Snapshots[h], a)
	}
	c.Service = c.Parts.Files/a.FilesRate + c.Parts.Bytes/a.BytesRate + a.DatabaseRaw/a.DatabaseRate
	c.Last = c.Service + math.Max(c.Parts.Longest, c.Parts.Rebuild/a.Parallel)
	return c
}

// after are the bytes after so many nights. page.html has the same formula.
func (p *Parts) after(days, snapshots int, a *Assumptions) float64 {
	growth := a.GrowthGold + a.GrowthFiles*p.FilesShare
	return p.Copies*(p.Base+a.Dump+growth*float64(days-1)) + (p.Snapshot+a.DumpNight)*float64(snapshots)
}

// keptAfter is how many snapshots there are after so many days with one a night.
func keptAfter(scheme string, days int, a *Assumptions) int {
	if scheme == "rotating" {
		return min(days, int(a.Cycle))
	}
	if a.Retention.Empty() {
		return days
	}
	start := time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC)
	var list []snapshot.Candidate
	for i := range days {
		at := start.AddDate(0, 0, i)
		list = append(list, snapshot.Candidate{Name: at.Format("2006-01-02T150405Z"), Time: at})
	}
	n := 0
	for _, d := range snapshot.Retain(list, a.Retention, start.AddDate(0, 0, days)) {
		if d.Keep {
			n++
		}
	}
	return n
}

// A name in a directory of ext4 takes 8 bytes and its length, in fours; blocks are full to
// two thirds after names have come in any order.
const (
	nameBytes = 88
	fullness  = 0.68
	// rebuildLine is what a line of REBUILD.txt.zst takes, which says what gold makes.
	rebuildLine = 48
)

// dayBytes is what a day directory takes: nothing but directories, whose files are links.
func dayBytes(s *Survey, a *Assumptions, files float64, layout string) float64 {
	if layout == "none" {
		return 0
	}
	const above = 7 // the day, its host, the database and its dump, logs, RESTORE.txt
	bytes := above * a.Block
	gold := float64(s.Gold.Files)
	for _, n := range []float64{gold, files - gold} {
		if n < 1 {
			continue
		}
		if layout == "native" { // FOSSology's own: three levels of two hex digits
			for level := range 3 {
				bytes += filled(math.Pow(256, float64(level+1)), n) * a.Block
			}
			continue
		}
		folders := filled(256, n)
		bytes += folders * ceilTo(n/folders*nameBytes/fullness, a.Block)
	}
	return bytes
}

// filled is how many of so many places hold something when n things fall into them.
func filled(places, n float64) float64 { return places * -math.Expm1(n*math.Log1p(-1/places)) }

func ceilTo(n, of float64) float64 { return math.Ceil(n/of) * of }
