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
	Disk   float64 `json:"disk"`   // bytes of the blocks of what a prune now leaves
	Folder float64 `json:"folder"` // bytes of a directory
	Golds  float64 `json:"golds"`  // files of gold
	Stay   float64 `json:"stay"`   // files of files that a prune now leaves

	// What comes with a byte of gold, and what of it stays of one of files.
	GoldDisk   float64 `json:"goldDisk"`
	GoldNames  float64 `json:"goldNames"`
	FilesDisk  float64 `json:"filesDisk"`
	FilesNames float64 `json:"filesNames"`

	Files   float64 `json:"files"`   // that a prune takes, at most
	Bytes   float64 `json:"bytes"`   // of them
	Unpack  float64 `json:"unpack"`  // seconds to unpack the gold that makes them, one after another
	Longest float64 `json:"longest"` // of one gold
}

// unpruned is the level of those who do not prune.
const unpruned prune.Level = "none"

// Prunings forecasts the levels, of which the first takes nothing.
func Prunings(s *Survey, a *Assumptions) (all []Pruning) {
	for _, l := range append([]prune.Level{unpruned}, prune.Levels()...) {
		if l != unpruned && s.Prunable[l].Files == 0 {
			continue
		}
		p := Pruning{Level: l, Bytes: map[int]float64{}}
		p.count(s)
		p.cost(a)
		all = append(all, p)
	}
	return all
}

// count takes the parts out of a survey. A directory takes as much as those that are there, on
// average.
func (p *Pruning) count(s *Survey) {
	h, m := s.Prunable[p.Level], s.Undo[p.Level]
	golds, files := float64(s.Gold.Files), float64(s.Files.Files)
	stay, disk := math.Max(0, files-float64(h.Files)), math.Max(0, float64(s.Files.Disk-h.Disk))
	p.Parts = PruningParts{
		Disk:  float64(s.Gold.Disk+s.Other.Disk+s.Work.Disk) + disk,
		Golds: golds, Stay: stay,
		GoldDisk: s.Gold.perByte(float64(s.Gold.Disk), 1), GoldNames: s.Gold.perByte(golds, 0),
		FilesDisk: s.Files.perByte(disk, 1), FilesNames: s.Files.perByte(stay, 0),
		Files: float64(h.Files), Bytes: float64(h.Bytes), Unpack: m.Least, Longest: m.Longest}
	if now := nativeFolders(golds) + nativeFolders(files); now > 0 {
		p.Parts.Folder = float64(s.DirsDisk) / now
	}
}

// cost makes a forecast of the parts. page.js has the same formula.
func (p *Pruning) cost(a *Assumptions) {
	x := &p.Parts
	for _, h := range Horizons {
		gold, files := a.come(h)
		folders := nativeFolders(x.Golds+gold*x.GoldNames) + nativeFolders(x.Stay+files*x.FilesNames)
		p.Bytes[h] = x.Disk + gold*x.GoldDisk + files*x.FilesDisk + folders*x.Folder
	}
	p.Back = a.RebuildFactor*atOnce(x.Unpack, x.Longest, a.Parallel) + a.files(x.Files, x.Bytes)
}
