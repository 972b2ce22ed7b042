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
	Golds    Golds          `json:"golds"`
	Files    Sum            `json:"files"` // of the repository's files
	Classes  map[Class]Sum  `json:"classes"`
	Reasons  map[Reason]Sum `json:"reasons"` // of the residue
	CutShort []int64        `json:"cutShort,omitempty"`
	Unpacker Unpacker       `json:"unpacker"`
	Ledger   Size           `json:"ledger"`
	Troubles int64          `json:"troubles"`
	First    []string       `json:"firstNotes,omitempty"`
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

// Status classifies every file of the repository's files and adds up.
func (l *Ledger) Status(ctx context.Context, repo fossology.Repository, db Database) (*Status, error) {
	s := &Status{Classes: map[Class]Sum{Confirmed: {}, Recorded: {}, Residue: {}}, Reasons: map[Reason]Sum{}, Unpacker: l.unpacker}
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
	for pk, err := range db.CutShort(ctx) {
		if err != nil {
			return nil, fmt.Errorf("sum up ledger: %w", err)
		}
		s.CutShort = append(s.CutShort, pk)
	}
	troubled := func(err error) {
		s.Troubles++
		if len(s.First) < maxNotes {
			s.First = append(s.First, err.Error())
		}
	}
	for f, err := range l.Files(ctx, repo, db, troubled) {
		if err != nil {
			return nil, fmt.Errorf("sum up ledger: %w", err)
		}
		s.Files.add(f.Size)
		class := s.Classes[f.Class]
		class.add(f.Size)
		s.Classes[f.Class] = class
		if f.Class == Residue {
			reason := s.Reasons[f.Reason]
			reason.add(f.Size)
			s.Reasons[f.Reason] = reason
		}
	}
	return s, nil
}
