package bench

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"repotool/snapshot"
)

// The measured defaults: make bench and make bench-life, 100,000 files on ext4 in memory; what
// any restore and any database take, on the installation in testdata/small.
const (
	measuredFilesRate     = 20_000
	measuredBytesRate     = 1e9
	measuredDatabaseRate  = 20e6
	measuredManifest      = 62
	measuredRestoreStart  = 0.3
	measuredDatabaseStart = 1.0
)

// An empty database takes 7.5 MB, says PostgreSQL 15. Of what that in testdata/small takes beyond,
// its dump takes 4.6 % in a store (go test -v -run 'TestForecast$' ./cmd/repotool).
const (
	emptyDatabase = 7_500_000
	dumpShare     = 0.05
)

// Where values come from, with the command that makes them.
const (
	fromBench     = "measured by this project (make bench)"
	fromLife      = "measured by this project (make bench-life)"
	fromManifests = "measured by this project (repotool bench scale --manifest-only)"
	fromFixture   = "measured by this project (go test -v -run TestForecastOfRestores ./cmd/repotool)"
	fromSnapshots = "the median of the snapshots so far (repotool snapshots)"
	fromRestores  = "the median of the restores so far (repotool bench report --check)"
)

// Assume makes assumptions of a survey and of the snapshots so far, oldest first.
func Assume(s *Survey, history []*snapshot.Summary, p snapshot.Policy) Assumptions {
	a := Assumptions{Retention: p, KeptAt: map[int]float64{1: 1}, From: map[string]string{}}
	a.take("filesRate", measuredFilesRate, fromBench)
	a.take("bytesRate", measuredBytesRate, fromBench)
	a.take("databaseRate", measuredDatabaseRate, fromLife)
	a.take("manifest", measuredManifest, fromManifests)
	a.take("restoreStart", measuredRestoreStart, fromFixture)
	a.take("databaseStart", measuredDatabaseStart, fromFixture)
	a.take("rebuildFactor", 1, "the ledger's costs as index measured them, at low priority (repotool index)")
	a.take("parallel", float64(runtime.GOMAXPROCS(0)), "the processors of this machine")
	a.take("cycle", 7, "a week")
	a.take("keepCycles", 0, "none but the newest")
	for nights, name := range map[int]string{7: "kept7", 30: "kept30", 365: "kept365"} {
		kept, at := keptOf(&p, nights)
		a.take(name, float64(kept), Kept(&p))
		a.KeptAt[nights] = at
	}
	a.take("block", 4096, "ext4, XFS")
	a.take("standstill", 1, "a guess: no snapshot yet")
	a.grow(s)
	a.learn(history)
	if s.Database > 0 && !slices.ContainsFunc(history, (*snapshot.Summary).Known) {
		a.take("databaseRaw", float64(s.Database), "as much as PostgreSQL says that the database takes: no snapshot yet")
		a.take("dump", math.Max(0, float64(s.Database-emptyDatabase))*dumpShare, "a guess: 5 % of what the database takes beyond an empty one: no snapshot yet")
	}
	return a
}

// Cycles takes the settings of the scheme rotating: a cycle that ends on a day is a week.
func (a *Assumptions) Cycles(length snapshot.CycleLength, keep int) {
	if length.Days > 0 {
		a.take("cycle", float64(length.Days), "as it is set")
	}
	a.take("keepCycles", float64(keep), "as it is set")
}

// grow takes what was uploaded in the last ninety days, or since the first upload.
func (a *Assumptions) grow(s *Survey) {
	a.take("growthRatio", s.Ratio(), "as there is now")
	if len(s.Months) == 0 {
		a.take("growthGold", 0, "not known: no upload has a time")
		return
	}
	days, gold := 90.0, 0.0
	since := s.Time.AddDate(0, 0, -90)
	from := "uploads of the last 90 days"
	young := s.First.After(since)
	if young {
		days = math.Max(1, s.Time.Sub(s.First).Hours()/24)
		from = fmt.Sprintf("uploads of the %.1f days since the first", days)
	}
	for i, m := range s.Months {
		if young { // all of them
			gold += float64(m.Gold)
			continue
		}
		at, err := time.Parse("2006-01", m.Month)
		if err != nil {
			continue
		}
		if i == 0 && at.After(since) { // the day of the first is not known
			days = math.Max(1, s.Time.Sub(at).Hours()/24)
			from = fmt.Sprintf("uploads of the last %.0f days", days)
		}
		// A month counts as far as it lies in those days.
		end := at.AddDate(0, 1, 0)
		if end.After(since) {
			start := at
			if start.Before(since) {
				start = since
			}
			gold += float64(m.Gold) * end.Sub(start).Hours() / end.Sub(at).Hours()
		}
	}
	a.take("growthGold", gold/days, from)
}

// learn takes what snapshots have measured.
func (a *Assumptions) learn(history []*snapshot.Summary) {
	var stills, nights []float64
	whole, known, dumps := false, 0, 0
	raw, newRaw, newBytes := 0.0, int64(0), 0.0 // of the last dump; of the one of which most was new
	for _, x := range history {
		if !x.Known() {
			continue
		}
		known++
		if x.Standstill > 0 {
			stills = append(stills, x.Standstill)
		}
		if d := x.Database; d != nil {
			a.take("databaseRaw", float64(d.RawBytes), "the last snapshot")
			if raw = float64(d.RawBytes); d.NewRaw > newRaw {
				newRaw, newBytes = d.NewRaw, float64(d.NewBytes)
			}
			if dumps == 0 && d.NewRaw > d.RawBytes/2 {
				a.take("dump", float64(d.NewBytes), "the first snapshot")
				whole = true
			} else if x.Rotation == nil || x.Rotation.NewBase == "" { // a base holds a whole dump again
				nights = append(nights, float64(d.NewBytes))
			}
			dumps++
		}
	}
	switch {
	case whole || dumps == 0:
	case newRaw > 0: // the first one is forgotten
		a.take("dump", raw*newBytes/float64(newRaw), "the last snapshot, if all of it is compressed as well as what was new")
	default:
		a.take("dump", 0, "not known: nothing is new in any dump that is left")
	}
	if len(stills) > 0 {
		a.take("standstill", Median(stills), fromSnapshots)
	} else if known > 0 {
		a.take("standstill", 0, fmt.Sprintf("none of the %d snapshots so far has stopped FOSSology (--quiesce)", known))
	}
	switch {
	case len(nights) > 0:
		a.take("dumpNight", Median(nights), fromSnapshots)
	case dumps == 1:
		a.take("dumpNight", 0, "not known: only one snapshot has a dump of the database")
	case dumps > 1:
		a.take("dumpNight", 0, "not known: each dump so far is the first of a cycle")
	}
}

// files are the seconds in which files are made.
func (a *Assumptions) files(files, bytes float64) float64 {
	return files/a.FilesRate + bytes/a.BytesRate
}

// database are the seconds in which a database is loaded, if there is one.
func (a *Assumptions) database() float64 {
	if a.DatabaseRaw == 0 {
		return 0
	}
	return a.DatabaseStart + a.DatabaseRaw/a.DatabaseRate
}
