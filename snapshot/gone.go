package snapshot

import (
	"context"
	"fmt"
	"iter"

	"repotool/fossology"
)

// A derived file that is no longer in the repository is kept in the manifest as long as
// the database refers to it (Entry.Gone): repotool prune removes what gold brings back, and
// accidents happen. If it was stored, its object stays needed; if it was left out, its gold
// is. So a snapshot that is taken after a prune is as complete as those before. When the
// database no longer refers to it, it goes from the manifest, too. What was never in a
// manifest, since it was pruned before the first snapshot or before a new base, is taken up
// as left out, if it is proven that a gold of the snapshot makes it.
//
// Which of them gold makes is told apart from those that are lost: the first are only
// counted (Summary.Pruned), the others are findings. Where no database is asked, nobody
// knows; then what is gone already stays, and what goes now goes.

// vanished is what becomes of an entry whose file the walk has not met.
func (s *scan) vanished(known *Entry) Entry {
	_, named := known.Name(s.depth)
	if !named || known.Kind != File || typeOf(known.Path) != "files" || !s.keepGone && !known.Gone {
		return Entry{Path: known.Path, Kind: removed}
	}
	e := *known
	e.Gone, e.Inode = true, 0
	return e
}

// passVanished deals with an entry whose file is gone, now or since an earlier snapshot.
func (s *scan) passVanished(ctx context.Context, known *Entry) error {
	it := item{prev: *known, had: true, entry: s.vanished(known)}
	if e := &it.entry; e.Gone {
		gold := e.Gold
		e.Gold = Gold{}
		if !s.leaveOut(e, known) {
			e.Gold = gold // there is no file to be stored in its place
		}
		it.proven = e.LeftOut()
		if !known.Gone && !it.proven && s.derived != nil {
			var err error
			if _, it.proven, err = made(s.derived, e, s.depth); err != nil {
				s.findings.Add(NoProof, e.Path, err.Error())
			}
		}
		if *e == *known {
			return nil
		}
	}
	return s.add(ctx, it)
}

// reviewGone settles with the database, if one is asked, what the snapshot has of files that
// the repository has not, and sees to it that gold brings back those that are left out.
func (t *taker) reviewGone(ctx context.Context, view *View) error {
	if t.manifest.Gone.Files == 0 {
		return nil
	}
	if view != nil {
		tops, err := topNames(t.Store, t.manifest)
		if err != nil {
			return err
		}
		for _, top := range tops {
			if err := t.dropUnreferred(ctx, view, filesOf(top)); err != nil {
				return err
			}
		}
	}
	var err error
	if t.golds, err = goldsOf(ctx, t.Store, t.manifest); err != nil {
		return err
	}
	return t.settleGone(ctx, view != nil)
}

// filesOf is the directory of derived files of a host, or of the repository itself.
func filesOf(top string) string {
	if top == "files" {
		return top
	}
	return top + "/files"
}

// dropUnreferred drops the entries of files that are gone, and to which no row refers, or
// which another host has.
func (t *taker) dropUnreferred(ctx context.Context, view *View, dir string) (err error) {
	gone := func(yield func(Entry, error) bool) {
		for e, err := range entries(ctx, t.Store, t.manifest.Segments, dir) {
			if (err != nil || e.Gone) && !yield(e, err) {
				return
			}
		}
	}
	next, stop := iter.Pull2(gone)
	defer stop()
	e, err, more := next()
	if !more || err != nil {
		return err
	}
	there, err := namesOf(ctx, t.Store, t.manifest, "files", func(e *Entry) bool { return !e.Gone })
	if err != nil {
		return err
	}
	rows := ahead(GoodNames(view.PfileNames(ctx), func(*fossology.RowError) {}))
	defer rows.stop()
	elsewhere := ahead(there) // on another host
	defer elsewhere.stop()
	w := t.addendum()
	defer w.discard()
	for ; more && err == nil; e, err, more = next() {
		name, _ := e.Name(t.Depth)
		referred, err := rows.has(name)
		if err != nil {
			return fmt.Errorf("compare with database: %w", err)
		}
		stands, err := elsewhere.has(name)
		if err != nil {
			return err
		}
		if referred && !stands {
			continue
		}
		if err := w.change(&e, &Entry{Path: e.Path, Kind: removed}); err != nil {
			return err
		}
		t.summary.Removed++
		t.dropped++
	}
	if err != nil {
		return err
	}
	return w.close(ctx)
}

// settleGone goes through the files that are gone. One that is left out gets another gold if
// its own is not in the snapshot, or the bytes that an earlier snapshot stored; without
// either it is lost. If a database refers to them, those that gold brings back are counted:
// they were pruned. The others are findings.
func (t *taker) settleGone(ctx context.Context, referred bool) error {
	w := t.addendum()
	defer w.discard()
	lost := int64(0)
	for e, err := range entries(ctx, t.Store, t.manifest.Segments, "") {
		if err != nil {
			return err
		}
		if !e.Gone {
			continue
		}
		now, ok, err := t.withGold(e)
		if err != nil {
			return err
		}
		if now != e {
			if err := w.change(&e, &now); err != nil {
				return err
			}
		}
		if !ok {
			lost++
		} else if referred {
			if err := t.countGone(&now); err != nil {
				return err
			}
		}
	}
	if lost > 0 {
		t.findings.Add(NoGold, "", fmt.Sprintf("%d files were left out earlier, and are gone; now their gold is gone, too", lost))
	}
	return w.close(ctx)
}

// withGold is the entry of a file that is gone as the snapshot can bring it back, if it can.
func (t *taker) withGold(e Entry) (Entry, bool, error) {
	if !e.LeftOut() || t.golds[e.Gold.Name] {
		return e, true, nil
	}
	if t.Derived != nil {
		proof, ok, err := made(t.Derived, &e, t.Depth)
		if err != nil {
			return e, false, err
		}
		if gold, there := t.golds.maker(&proof); ok && there && proof.Object == e.Object {
			e.Gold = gold
			return e, true, nil
		}
	}
	if info, err := t.Store.Need(e.Object); err == nil && info.Size == e.Size {
		e.Gold = Gold{}
		return e, true, nil
	}
	return e, false, nil
}

// countGone counts a file that is gone, though the database refers to it.
func (t *taker) countGone(e *Entry) (err error) {
	name, _ := e.Name(t.Depth)
	proven := e.LeftOut() || t.golds[name] // what was uploaded stands in gold, too
	if !proven && t.Derived != nil {
		if _, proven, err = made(t.Derived, e, t.Depth); err != nil {
			return err
		}
	}
	if proven {
		t.summary.Pruned = t.summary.Pruned.plus(e.Size)
		return nil
	}
	t.findings.Add(Vanished, e.Path, "a row of pfile refers to it; the snapshot keeps the bytes of an earlier one")
	return nil
}

// A nameReader is asked whether sorted Names hold others, in their order.
type nameReader struct {
	next func() (fossology.Name, error, bool)
	stop func()
	head fossology.Name
	err  error
	more bool
}

func ahead(names iter.Seq2[fossology.Name, error]) *nameReader {
	r := new(nameReader)
	r.next, r.stop = iter.Pull2(names)
	r.head, r.err, r.more = r.next()
	return r
}

func (r *nameReader) has(n fossology.Name) (bool, error) {
	for r.more && r.err == nil && r.head.Compare(n) < 0 {
		r.head, r.err, r.more = r.next()
	}
	return r.more && r.err == nil && r.head == n, r.err
}
