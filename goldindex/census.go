package goldindex

import (
	"context"
	"errors"
	"iter"

	"repotool/fossology"
)

// A worker is a [Database] that also knows what FOSSology is at. Of one that does not,
// an upload that is being unpacked at this moment counts as one that was cut short.
type worker interface {
	// Unpacking yields the uploads that have an unpack job which runs or waits.
	Unpacking(context.Context) iter.Seq2[int64, error]
}

// unpacking are the uploads that are being unpacked, or will be.
func unpacking(ctx context.Context, db Database) (map[int64]bool, error) {
	busy := map[int64]bool{}
	w, ok := db.(worker)
	if !ok {
		return busy, nil
	}
	for pk, err := range w.Unpacking(ctx) {
		if err != nil {
			return nil, err
		}
		busy[pk] = true
	}
	return busy, nil
}

// nobody refers to nothing.
func nobody(func(fossology.Name, error) bool) {}

// census yields the files that are there, and, marked as absent, those that some Names,
// which come in order, refer to and that are not. It goes through all of them once.
func (l *Ledger) census(ctx context.Context, repo fossology.Repository, db Database, referred iter.Seq2[fossology.Name, error], troubled func(error)) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		c := &classifier{l: l}
		if err := c.open(ctx, db); err != nil {
			yield(File{}, err)
			return
		}
		uses, stopUses := iter.Pull2(db.Uses(ctx))
		defer stopUses()
		c.uses = uses
		names, stopNames := iter.Pull2(referred)
		defer stopNames()
		t := &tally{c: c, repo: repo, names: names, yield: yield}
		if t.err = errors.Join(c.advance(), t.advance()); t.err == nil {
			t.count(ctx, troubled)
		}
		if t.err != nil && !t.enough {
			yield(File{}, t.err)
		}
	}
}

// A tally is one census.
type tally struct {
	c      *classifier
	repo   fossology.Repository
	names  func() (fossology.Name, error, bool)
	name   fossology.Name // the next that is referred to
	more   bool
	yield  func(File, error) bool
	enough bool // who is told wants no more
	err    error
}

func (t *tally) count(ctx context.Context, troubled func(error)) {
	odd := func(x oddity) {
		if x.err != nil {
			troubled(x.err)
		} else if t.goesOn() {
			t.tell(File{Path: x.path, Size: x.stat.Size, Class: Residue, Reason: NotReferenced})
		}
	}
	for f, err := range contents(ctx, t.repo, "files", odd) {
		if t.err = errors.Join(t.err, err); !t.goesOn() {
			return
		}
		t.absent(func() bool { return t.name.Compare(f.name) < 0 })
		if t.goesOn() {
			t.there(f)
		}
		if !t.goesOn() {
			return
		}
	}
	if t.goesOn() {
		t.absent(func() bool { return true })
	}
}

func (t *tally) goesOn() bool { return t.err == nil && !t.enough }

func (t *tally) tell(f File) { t.enough = !t.yield(f, nil) }

// advance goes on to the next Name that is referred to.
func (t *tally) advance() error {
	for {
		n, err, more := t.names()
		if more && passable(err) {
			continue
		}
		t.name, t.more = n, more
		return err
	}
}

// there tells of a file. If FOSSology does not look for it where it stands, it is
// absent nevertheless, and told of twice.
func (t *tally) there(f found) {
	x, err := t.c.classify(f)
	if t.err = err; err != nil {
		return
	}
	t.tell(x)
	if !t.more || t.name != f.name || !t.goesOn() {
		return
	}
	is, _, err := (&presence{repo: t.repo, head: f, more: true}).at(f.name)
	if err == nil && !is {
		x.Absent, x.Path, x.Size = true, "", f.name.Size
		t.tell(x)
	}
	if err == nil {
		err = t.advance()
	}
	t.err = err
}

// absent tells of Names that nothing stands under, as long as they are so.
func (t *tally) absent(so func() bool) {
	for t.goesOn() && t.more && so() {
		x, err := t.c.classify(found{name: t.name, stat: fossology.Stat{Size: t.name.Size}})
		x.Absent = true
		if err == nil {
			t.tell(x)
			err = t.advance()
		}
		t.err = err
	}
}
