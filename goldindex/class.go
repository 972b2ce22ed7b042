package goldindex

import (
	"context"
	"errors"
	"iter"

	"repotool/fossology"
)

// A Class says whether gold brings a derived file back.
type Class string

// The classes.
const (
	Confirmed Class = "confirmed" // a gold makes it, by the present unpacker, with the bytes that stand in files
	Recorded  Class = "recorded"  // the database says that a gold holds it; that is not confirmed yet
	Residue   Class = "residue"   // no gold brings it back, for a Reason
)

// A Reason says why a file is residue.
type Reason string

// The reasons. If several uploads use a file, rank says whose reason is named.
const (
	Metadata      Reason = "metadata"       // artifact.meta, a tool's words: never the same again
	CutShort      Reason = "cut-short"      // FOSSology's first unpack did not come to its end, and left what gold does not make
	GoldMissing   Reason = "gold-missing"   // the repository does not hold the gold
	GoldDamaged   Reason = "gold-damaged"   // the gold's bytes contradict its name
	NotOpened     Reason = "not-opened"     // the gold was unpacked and this did not come out: a format that is not opened here
	NotReferenced Reason = "not-referenced" // no upload has it, and no gold makes it
)

// Reasons lists them as they are shown.
func Reasons() []Reason {
	return []Reason{Metadata, CutShort, GoldMissing, GoldDamaged, NotOpened, NotReferenced}
}

// rank orders what the uploads of a file say of it: hope comes first, then what
// somebody can do something about.
var rank = map[Reason]int{"": 0, CutShort: 1, GoldMissing: 2, GoldDamaged: 3, NotOpened: 4, Metadata: 5, NotReferenced: 6}

// A File is a derived file of the repository with its class. Reason is empty unless
// it is residue.
type File struct {
	Name   fossology.Name // zero: it has no Name, or lies where it does not belong
	Path   string
	Size   int64
	Class  Class
	Reason Reason
	BLAKE3 [32]byte // of a confirmed file
	Absent bool     // the database refers to it, and it is not there
	Made   bool     // a gold in the ledger makes it
}

// An upload is what a classifier knows of one.
type upload struct {
	gold fossology.Name
	cut  bool
}

// A classifier goes through files, uses and segments side by side. What it keeps in
// memory is the uploads.
type classifier struct {
	l       *Ledger
	join    *join
	uploads map[int64]upload
	uses    func() (fossology.Use, error, bool)
	use     fossology.Use
	more    bool
}

// Files yields every file of the repository's files with its class, in the order of
// the Names. troubled is told of what could not be read.
func (l *Ledger) Files(ctx context.Context, repo fossology.Repository, db Database, troubled func(error)) iter.Seq2[File, error] {
	return l.census(ctx, repo, db, nobody, troubled)
}

func (c *classifier) open(ctx context.Context, db Database) (err error) {
	c.uploads = map[int64]upload{}
	for u, err := range db.Uploads(ctx) {
		if passable(err) {
			continue
		}
		if err != nil {
			return err
		}
		c.uploads[u.PK] = upload{gold: u.Name}
	}
	busy, err := unpacking(ctx, db)
	if err != nil {
		return err
	}
	for pk, err := range db.CutShort(ctx) {
		if err != nil {
			return err
		}
		if u, known := c.uploads[pk]; known && !busy[pk] {
			u.cut = true
			c.uploads[pk] = u
		}
	}
	c.join, err = c.l.join()
	return err
}

// passable is an error of one row, behind which a stream goes on.
func passable(err error) bool {
	var bad *fossology.RowError
	return errors.As(err, &bad)
}

// advance goes on to the next use.
func (c *classifier) advance() error {
	for {
		use, err, more := c.uses()
		if more && passable(err) {
			continue
		}
		c.use, c.more = use, more
		return err
	}
}

// classify decides about one file. The uses up to it are passed.
func (c *classifier) classify(f found) (File, error) {
	x := File{Name: f.name, Path: f.path, Size: f.stat.Size, Class: Residue, Reason: NotReferenced}
	_, read, err := c.join.at(f)
	if err != nil {
		return x, err
	}
	makers := c.join.golds
	x.Made = len(makers) > 0
	for c.more && c.use.Name.Compare(f.name) <= 0 {
		if c.use.Name == f.name {
			if r := c.because(c.use, makers); rank[r] < rank[x.Reason] {
				x.Reason = r
			}
		}
		if err := c.advance(); err != nil {
			return x, err
		}
	}
	switch {
	case read != nil && f.stat.Size == f.name.Size && confirmedBy(makers, *read):
		x.Class, x.Reason, x.BLAKE3 = Confirmed, "", *read
	case len(makers) > 0 || x.Reason == "":
		x.Class, x.Reason = Recorded, ""
	}
	return x, nil
}

// because says why a use of a file does not make it more than residue; "": there is
// hope.
func (c *classifier) because(use fossology.Use, makers []maker) Reason {
	if use.Meta {
		return Metadata
	}
	u := c.uploads[use.Upload]
	if u.gold.IsZero() { // the upload was deleted, or is no more
		return GoldMissing
	}
	e, known := c.l.entry(u.gold)
	switch {
	case known && e.kind == Missing:
		return GoldMissing
	case known && e.kind == Damaged:
		return GoldDamaged
	case !known || !e.isPresent(c.l) || len(makers) > 0:
		return ""
	case u.cut:
		return CutShort
	}
	return NotOpened
}
