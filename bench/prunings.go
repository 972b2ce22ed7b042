package bench

import (
	"math"

	"repotool/prune"
)

// A Pruning is a level of prune, and what the repository takes if each night ends with one. A
// backup takes the same with and without: a full one keeps the bytes of what was pruned, one by
// gold keeps its gold.
type Pruning struct {
	Level prune.Level     `json:"level"` // "none", or one of those of prune
	Bytes map[int]float64 `json:"bytes"` // of the repository, on the disk, after so many nights
	Back  float64         `json:"back"`  // seconds until gold has brought all of it back
	Parts PruningParts    `json:"parts"`
}

// PruningParts are the terms of a [Pruning], as [Parts] are those of a choice.
type PruningParts struct {
	Disk       float64 `json:"disk"`       // bytes of the repository after a prune now
	FilesShare float64 `json:"filesShare"` // of the growth of files, that stays
	Files      float64 `json:"files"`      // that a prune takes, at most
	Bytes      float64 `json:"bytes"`      // of them
	Unpack     float64 `json:"unpack"`     // seconds to unpack the gold that makes them, one after another
	Longest    float64 `json:"longest"`    // of one gold
}

// unpruned is the level of those who do not prune.
const unpruned prune.Level = "none"

// Prunings forecasts the levels, of which the first takes nothing.
func Prunings(s *Survey, a *Assumptions) (all []Pruning) {
	for _, l := range append([]prune.Level{unpruned}, prune.Levels()...) {
		h, m := s.Prunable[l], s.Undo[l]
		if l != unpruned && h.Files == 0 {
			continue
		}
		p := Pruning{Level: l, Bytes: map[int]float64{}, Parts: PruningParts{
			Disk:       math.Max(0, float64(s.Gold.Disk+s.Files.Disk+s.Other.Disk+s.Work.Disk-h.Disk)),
			FilesShare: 1 - float64(h.Bytes)/math.Max(1, float64(s.Files.Bytes)),
			Files:      float64(h.Files), Bytes: float64(h.Bytes), Unpack: m.Least, Longest: m.Longest}}
		p.cost(a)
		all = append(all, p)
	}
	return all
}

// cost makes a forecast of the parts. page.js has the same formula.
func (p *Pruning) cost(a *Assumptions) {
	for _, h := range Horizons {
		p.Bytes[h] = p.Parts.Disk + (a.GrowthGold+a.GrowthFiles*p.Parts.FilesShare)*float64(h-1)
	}
	p.Back = a.RebuildFactor*atOnce(p.Parts.Unpack, p.Parts.Longest, a.Parallel) + a.files(p.Parts.Files, p.Parts.Bytes)
}
