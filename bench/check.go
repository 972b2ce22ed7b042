package bench

import (
	"fmt"
	"math"
	"time"

	"repotool/snapshot"
)

// A Restored says what a restore took. cmd/repotool writes one down for each.
type Restored struct {
	Time     time.Time `json:"time"`
	Snapshot string    `json:"snapshot"`
	Whole    bool      `json:"whole"`    // nothing was left out by --only
	Files    int64     `json:"files"`    // written, of those that the snapshot stores
	Bytes    int64     `json:"bytes"`    // of them
	Kept     int64     `json:"kept"`     // files that were there and right, which takes a look only
	Database bool      `json:"database"` // it was restored, too
	Rebuilt  int64     `json:"rebuilt"`  // files that came back from gold
	Made     int64     `json:"made"`     // bytes of them; 0: not known
	Stored   float64   `json:"stored"`   // seconds until all was back that the snapshot stores
	Seconds  float64   `json:"seconds"`  // until all was back
}

// telling says whether it tells of restores from nothing, of which a forecast speaks.
func (r *Restored) telling() bool { return r.Whole && r.Kept <= r.Files/10 }

// A Checked figure was forecast, and then was measured.
type Checked struct {
	What     string  `json:"what"`
	Bytes    bool    `json:"bytes"` // else seconds
	Forecast float64 `json:"forecast"`
	Was      float64 `json:"was"`
}

// Error says by how much the forecast was wrong: "+10 %" is a tenth too much. Of nothing there
// is no share, unless nothing was forecast.
func (c *Checked) Error() string {
	switch {
	case c.Was != 0:
		return fmt.Sprintf("%+.0f %%", 100*(c.Forecast/c.Was-1))
	case c.Forecast == 0:
		return "+0 %"
	}
	return "–"
}

// checkedNights are as many of the last snapshots as are compared, and checkedRestores of
// the restores that tell.
const (
	checkedNights   = 5
	checkedRestores = 5
)

// Check compares forecasts with what then was: the store, the last nights, and the last
// restores of everything. Each is forecast again, from the nights or restores before it; what
// the survey counts, and what the ledger knows of gold, is that of today. a has learned
// nothing of restores yet; a store below 0 is one that others share, and is left out.
// One with snapshots of both schemes is, too: each choice is of one.
func Check(s *Survey, a *Assumptions, present *Choice, history []*snapshot.Summary, restores []Restored, store int64) (all []Checked) {
	if rotating, cycles := inCycles(history); present != nil && store >= 0 && (rotating == 0 || rotating == len(history)) {
		snapshots, bases := len(history), 1
		if present.Scheme == "rotating" {
			bases = cycles
		}
		all = append(all, Checked{"the store, on the disk", true, present.Parts.bytes(snapshots, bases, a), float64(store)})
	}
	all = append(all, checkNights(history)...)
	var telling []int
	for i := range restores {
		if restores[i].telling() {
			telling = append(telling, i)
		}
	}
	for _, i := range telling[max(0, len(telling)-checkedRestores):] {
		all = append(all, restores[i].check(s, a, restores[:i])...)
	}
	return all
}

// inCycles counts the snapshots of cycles, and the cycles.
func inCycles(history []*snapshot.Summary) (snapshots, cycles int) {
	seen := map[string]bool{}
	for _, x := range history {
		if x.Cycle != "" {
			seen[x.Cycle] = true
			snapshots++
		}
	}
	return snapshots, max(1, len(seen))
}

// checkNights compares each of the last nights with the median of those before it.
func checkNights(history []*snapshot.Summary) (all []Checked) {
	known := history[:0:0]
	for _, x := range history {
		if x.Known() {
			known = append(known, x)
		}
	}
	for i := max(2, len(known)-checkedNights); i < len(known); i++ { // the first is no night like others
		before, x := known[1:i], known[i]
		all = append(all, Checked{"added by " + x.Name, true, midOf(before, added), added(x)},
			Checked{"seconds of " + x.Name, false, midOf(before, func(x *snapshot.Summary) float64 { return x.Seconds }), x.Seconds})
		if x.Standstill > 0 {
			all = append(all, Checked{"standstill of " + x.Name, false, midOf(before, func(x *snapshot.Summary) float64 { return x.Standstill }), x.Standstill})
		}
	}
	return all
}

// check compares a restore with what would have been forecast before it.
func (r *Restored) check(s *Survey, a *Assumptions, before []Restored) (all []Checked) {
	then := *a
	then.LearnRestores(s, before)
	want := then.RestoreStart + then.files(float64(r.Files), float64(r.Bytes))
	if r.Database {
		want += then.database()
	}
	at := "restore of " + r.Time.Local().Format(time.DateTime)
	all = append(all, Checked{at + ", to service", false, want, r.Stored})
	if unpacking := s.unpacking(r, then.Parallel); unpacking > 0 {
		rebuilding := then.RebuildFactor*unpacking + then.files(float64(r.Rebuilt), r.made(s))
		all = append(all, Checked{at + ", rebuilding", false, rebuilding, r.Seconds - r.Stored},
			Checked{at + ", to the last file", false, want + rebuilding, r.Seconds})
	}
	return all
}

// unpacking is how long what a restore has taken out of gold takes by the ledger's costs.
func (s *Survey) unpacking(r *Restored, parallel float64) float64 {
	if r.Rebuilt == 0 || s.LeftOut.Files == 0 {
		return 0
	}
	return math.Min(1, float64(r.Rebuilt)/float64(s.LeftOut.Files)) * atOnce(s.Rebuild.Least, s.Rebuild.Longest, parallel)
}

// made are the bytes of what came back from gold: older records do not say.
func (r *Restored) made(s *Survey) float64 {
	if r.Made > 0 || s.LeftOut.Files == 0 {
		return float64(r.Made)
	}
	return float64(r.Rebuilt) * float64(s.LeftOut.Bytes) / float64(s.LeftOut.Files)
}

// A Taken snapshot, and what that took.
type Taken struct {
	Name       string  `json:"name"`
	Strategy   string  `json:"strategy"`
	Seconds    float64 `json:"seconds"`
	Standstill float64 `json:"standstill"`
	Added      int64   `json:"added"` // bytes that it was the first to need, of the database too
	Findings   int64   `json:"findings"`
}

// History lists the snapshots of which that is known, the oldest first.
func History(history []*snapshot.Summary) (all []Taken) {
	for _, x := range history {
		if x.Known() {
			all = append(all, Taken{x.Name, x.Strategy, x.Seconds, x.Standstill, int64(added(x)), x.Findings()})
		}
	}
	return all
}

// added are the bytes that a snapshot was the first to need.
func added(x *snapshot.Summary) float64 {
	bytes := float64(x.Added.Bytes)
	if x.Database != nil {
		bytes += float64(x.Database.NewBytes)
	}
	return bytes
}

func midOf(history []*snapshot.Summary, of historyPoint) float64 {
	v := make([]float64, len(history))
	for i, x := range history {
		v[i] = of(x)
	}
	return Median(v)
}
