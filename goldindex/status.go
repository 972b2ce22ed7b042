package goldindex

import (
	"context"
	"fmt"
	"slices"

	"repotool/fossology"
)

// Sum counts files.
type Sum struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (s *Sum) add(bytes int64) { s.Files++; s.Bytes += bytes }

// A Status says what gold brings back, and what not.
type Status struct {
	Golds     Golds          `json:"golds"`
	Files     Sum            `json:"files"` // that are there, of the repository's files
	Classes   map[Class]Sum  `json:"classes"`
	Reasons   map[Reason]Sum `json:"reasons"` // of the residue
	Absent    Absence        `json:"absent"`
	CutShort  []int64        `json:"cutShort,omitempty"`  // uploads whose first unpack was never finished
	Unpacking []int64        `json:"unpacking,omitempty"` // not finished either, but FOSSology is at it
	Renamed   int64          `json:"renamed"`             // uploads of a gold that was unpacked under another upload's name
	Unpacker  Unpacker       `json:"unpacker"`
	Ledger    Size           `json:"ledger"`
	Troubles  int64          `json:"troubles"`
	First     []string       `json:"firstNotes,omitempty"`
}

// An Absence counts the files that the database refers to and the repository lacks:
// pruned, left out by a backup, or lost.
type Absence struct {
	Files   Sum            `json:"files"`
	Classes map[Class]Sum  `json:"classes"` // confirmed: a gold makes it, and the bytes were the same when it was there
	Reasons map[Reason]Sum `json:"reasons"` // of residue, and of recorded ones that no gold in the ledger makes yet
	Made    Sum            `json:"made"`    // that a gold brings back
	Lost    Sum            `json:"lost"`    // that some upload has and no gold brings back
}

// Golds counts the records.
type Golds struct {
	Unpacked int64 `json:"unpacked"` // by the present unpacker
	Outdated int64 `json:"outdated"` // by another
	Damaged  int64 `json:"damaged"`
	Missing  int64 `json:"missing"`
}

// Size is what the ledger takes on the disk.
type Size struct {
	Bytes    int64 `json:"bytes"`
	Records  int64 `json:"records"`  // golds
	Made     int64 `json:"made"`     // rows: a gold makes a content
	Read     int64 `json:"read"`     // rows: a file was read and confirmed
	Segments int64 `json:"segments"` // files that hold the rows
	Broken   int64 `json:"broken"`   // of them, damaged: the next update makes them anew
}

// Status classifies every file that is in the repository's files or should be, and adds up.
func (l *Ledger) Status(ctx context.Context, repo fossology.Repository, db Contents) (*Status, error) {
	s := &Status{Classes: classes(), Reasons: map[Reason]Sum{}, Unpacker: l.unpacker,
		Absent: Absence{Classes: classes(), Reasons: map[Reason]Sum{}}}
	l.sumGolds(s)
	err := l.sumUploads(ctx, s, db)
	troubled := func(err error) {
		s.Troubles++
		if len(s.First) < maxNotes {
			s.First = append(s.First, err.Error())
		}
	}
	if err == nil {
		for f, e := range l.census(ctx, repo, db, db.PfileNames(ctx), troubled) {
			if err = e; err != nil {
				break
			}
			s.count(f)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("sum up ledger: %w", err)
	}
	return s, nil
}

func classes() map[Class]Sum { return map[Class]Sum{Confirmed: {}, Recorded: {}, Residue: {}} }

// addTo adds a file to the sum of its kind.
func addTo[K comparable](m map[K]Sum, k K, bytes int64) {
	sum := m[k]
	sum.add(bytes)
	m[k] = sum
}

// count adds one file.
func (s *Status) count(f File) {
	if !f.Absent {
		s.Files.add(f.Size)
		addTo(s.Classes, f.Class, f.Size)
		if f.Class == Residue {
			addTo(s.Reasons, f.Reason, f.Size)
		}
		return
	}
	a := &s.Absent
	a.Files.add(f.Size)
	addTo(a.Classes, f.Class, f.Size)
	switch {
	case f.Class == Residue:
		addTo(a.Reasons, f.Reason, f.Size)
		if f.Reason != NotReferenced {
			a.Lost.add(f.Size)
		}
	case f.Made:
		a.Made.add(f.Size)
	default:
		addTo(a.Reasons, NotIndexed, f.Size)
	}
}

// sumGolds counts records and segments.
func (l *Ledger) sumGolds(s *Status) {
	for _, e := range l.entries() {
		s.Ledger.Records++
		s.Ledger.Bytes += e.size
		switch {
		case e.kind == Damaged:
			s.Golds.Damaged++
		case e.kind == Missing:
			s.Golds.Missing++
		case e.isPresent(l):
			s.Golds.Unpacked++
		default:
			s.Golds.Outdated++
		}
	}
	for _, seg := range l.set.made {
		s.Ledger.Made += seg.rows
	}
	for _, seg := range l.set.read {
		s.Ledger.Read += seg.rows
	}
	for _, seg := range slices.Concat(l.set.made, l.set.read) {
		s.Ledger.Bytes += seg.size
		s.Ledger.Segments++
	}
	s.Ledger.Broken = int64(len(l.set.broken))
}

// sumUploads lists the uploads that were not unpacked to their end, and counts those
// that have another name than their gold in the ledger.
func (l *Ledger) sumUploads(ctx context.Context, s *Status, db Database) error {
	busy, err := unpacking(ctx, db)
	if err != nil {
		return err
	}
	for pk, err := range db.CutShort(ctx) {
		switch {
		case err != nil:
			return err
		case busy[pk]:
			s.Unpacking = append(s.Unpacking, pk)
		default:
			s.CutShort = append(s.CutShort, pk)
		}
	}
	names := map[fossology.Name]string{} // of the golds in the ledger
	for u, err := range db.Uploads(ctx) {
		if passable(err) || err == nil && !u.Living() {
			continue
		}
		if err != nil {
			return err
		}
		name, known := names[u.Name]
		if !known {
			if h, err := l.header(u.Name); err == nil {
				name = h.Upload
			}
			names[u.Name] = name
		}
		if name != "" && name != u.Filename {
			s.Renamed++
		}
	}
	return nil
}
