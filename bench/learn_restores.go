package bench

import (
	"maps"
	"math"
)

// smallRestore is up to how many seconds the files or rows of a restore say more about what
// any restore takes than about rates; larger ones tell of the rates.
const smallRestore = 2

// LearnRestores takes what restores have measured on this machine: the median of what those
// that brought little took beyond their files is what any restore takes; that of the others
// tells the rates. So it is with the database, and with what unpacking takes beyond the
// ledger's costs. What somebody has given stays.
func (a *Assumptions) LearnRestores(s *Survey, restores []Restored) {
	a.From = maps.Clone(a.From)
	var whole []Restored
	for _, r := range restores {
		if r.telling() {
			whole = append(whole, r)
		}
	}
	a.learnFiles(whole)
	a.learnDatabase(whole)
	a.learnRebuild(s, whole)
}

func (a *Assumptions) learnFiles(restores []Restored) {
	var starts, faster []float64
	for _, r := range restores {
		if r.Database {
			continue
		}
		if files := a.files(float64(r.Files), float64(r.Bytes)); files < smallRestore {
			starts = append(starts, math.Max(0, r.Stored-files))
		} else {
			faster = append(faster, files/math.Max(1e-3, r.Stored-a.RestoreStart))
		}
	}
	if len(starts) > 0 {
		a.take("restoreStart", Median(starts), fromRestores)
	}
	if len(faster) > 0 {
		times := Median(faster)
		a.take("filesRate", math.Max(1, a.FilesRate*times), fromRestores)
		a.take("bytesRate", math.Max(1, a.BytesRate*times), fromRestores)
	}
}

func (a *Assumptions) learnDatabase(restores []Restored) {
	var starts, faster []float64
	for _, r := range restores {
		if !r.Database || a.DatabaseRaw == 0 {
			continue
		}
		beyond := r.Stored - a.RestoreStart - a.files(float64(r.Files), float64(r.Bytes))
		if rows := a.DatabaseRaw / a.DatabaseRate; rows < smallRestore {
			starts = append(starts, math.Max(0, beyond-rows))
		} else {
			faster = append(faster, rows/math.Max(1e-3, beyond-a.DatabaseStart))
		}
	}
	if len(starts) > 0 {
		a.take("databaseStart", Median(starts), fromRestores)
	}
	if len(faster) > 0 {
		a.take("databaseRate", math.Max(1, a.DatabaseRate*Median(faster)), fromRestores)
	}
}

func (a *Assumptions) learnRebuild(s *Survey, restores []Restored) {
	var factors []float64
	for _, r := range restores {
		if r.Rebuilt < s.LeftOut.Files/2 { // too little of it came from gold to tell
			continue
		}
		if unpacking := s.unpacking(&r, a.Parallel); unpacking > 0 {
			beyond := r.Seconds - r.Stored - a.files(float64(r.Rebuilt), r.made(s))
			factors = append(factors, math.Max(0, beyond)/unpacking)
		}
	}
	if len(factors) > 0 {
		a.take("rebuildFactor", Median(factors), fromRestores)
	}
}
