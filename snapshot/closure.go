package snapshot

import (
	"context"
	"errors"
	"iter"
	"strings"

	"repotool/fossology"
	"repotool/store"
)

// checkClosure compares what the database refers to with what the manifest
// holds, both ways. Both sides are sorted streams; nothing is held whole.
// arrived is asked whether a file is too new to have a row, pruned whether gold makes one
// that is not there.
func checkClosure(ctx context.Context, st *store.Store, m *Manifest, db References, arrived func(fossology.Name) bool, pruned func(fossology.Name) (bool, error), findings *Findings) error {
	files, err := storedNames(ctx, st, m, "files")
	if err != nil {
		return err
	}
	rows := GoodNames(db.PfileNames(ctx), func(e *fossology.RowError) { findings.Add(BadRow, e.Text, e.Error()) })
	var failed error
	err = compareNames(rows, files,
		func(n fossology.Name) {
			if known, err := pruned(n); err != nil {
				failed = err
			} else if !known {
				findings.Add(NoFile, "files/"+n.String(), "a row of pfile refers to it")
			}
		},
		func(n fossology.Name) {
			if !arrived(n) {
				findings.Add(NoRow, "files/"+n.String(), "no row of pfile refers to it")
			}
		})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	golds, err := storedNames(ctx, st, m, "gold")
	if err != nil {
		return err
	}
	living := GoodNames(db.GoldNames(ctx), func(*fossology.RowError) {}) // told of as rows of pfile
	return compareNames(living, golds,
		func(n fossology.Name) { findings.Add(NoGold, "gold/"+n.String(), "a living upload refers to it") },
		func(fossology.Name) {}) // gold of a deleted upload, or of one that has just arrived
}

// GoodNames leaves out the rows that hold no Name, and tells of them: one bad
// row is no reason to compare none.
func GoodNames(names iter.Seq2[fossology.Name, error], bad func(*fossology.RowError)) iter.Seq2[fossology.Name, error] {
	return func(yield func(fossology.Name, error) bool) {
		for name, err := range names {
			var row *fossology.RowError
			if errors.As(err, &row) {
				bad(row)
				continue
			}
			if !yield(name, err) {
				return
			}
		}
	}
}

// compareNames tells what is in one of two sorted streams only.
func compareNames(a, b iter.Seq2[fossology.Name, error], onlyA, onlyB func(fossology.Name)) error {
	for p, err := range pairs(a, b, fossology.Name.Compare) {
		switch {
		case err != nil:
			return err
		case p.b == nil:
			onlyA(*p.a)
		case p.a == nil:
			onlyB(*p.b)
		}
	}
	return nil
}

// Names yields the Names of the snapshot's files of a type, of all hosts, sorted and each
// once; also of those whose bytes gold makes and the store does not hold.
func (s *Snapshot) Names(ctx context.Context, typ string) (iter.Seq2[fossology.Name, error], error) {
	return storedNames(ctx, s.Store, s.Manifest, typ)
}

// storedNames yields the Names of a type in a manifest, of all hosts, sorted
// and each once.
func storedNames(ctx context.Context, st *store.Store, m *Manifest, typ string) (iter.Seq2[fossology.Name, error], error) {
	return namesOf(ctx, st, m, typ, func(*Entry) bool { return true })
}

// namesOf does the same for the files that of chooses.
func namesOf(ctx context.Context, st *store.Store, m *Manifest, typ string, of func(*Entry) bool) (iter.Seq2[fossology.Name, error], error) {
	tops, err := topNames(st, m)
	if err != nil {
		return nil, err
	}
	var streams []iter.Seq2[fossology.Name, error]
	for _, top := range tops {
		prefix := top + "/" + typ
		if top == typ {
			prefix = typ
		}
		streams = append(streams, func(yield func(fossology.Name, error) bool) {
			for e, err := range entries(ctx, st, m.Segments, prefix) {
				if err != nil {
					yield(fossology.Name{}, err)
					return
				}
				if name, ok := e.Name(m.Depth); ok && e.Kind == File && of(&e) && !yield(name, nil) {
					return
				}
			}
		})
	}
	return mergeNames(streams), nil
}

// mergeNames merges sorted streams into one without repetitions.
func mergeNames(streams []iter.Seq2[fossology.Name, error]) iter.Seq2[fossology.Name, error] {
	if len(streams) == 1 {
		return streams[0]
	}
	return func(yield func(fossology.Name, error) bool) {
		type head struct {
			next func() (fossology.Name, error, bool)
			name fossology.Name
			err  error
			ok   bool
		}
		heads := make([]head, len(streams))
		for i, s := range streams {
			next, stop := iter.Pull2(s)
			defer stop()
			heads[i].next = next
			heads[i].name, heads[i].err, heads[i].ok = next()
		}
		for {
			var least *head
			for i := range heads {
				h := &heads[i]
				if h.ok && (least == nil || h.err != nil || h.name.Compare(least.name) < 0) {
					least = h
				}
			}
			if least == nil {
				return
			}
			name, err := least.name, least.err
			if !yield(name, err) || err != nil {
				return
			}
			for i := range heads {
				if h := &heads[i]; h.ok && h.name == name {
					h.name, h.err, h.ok = h.next()
				}
			}
		}
	}
}

// topNames lists the first parts of all paths: hosts, and types without host.
func topNames(st *store.Store, m *Manifest) ([]string, error) {
	c, err := openCursor(st, m.Segments)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var tops []string
	for {
		e, err := c.peek()
		if err != nil || e == nil {
			return tops, err
		}
		top, _, deep := strings.Cut(e.Path, "/")
		if !deep {
			if err := c.pass(); err != nil {
				return nil, err
			}
			continue
		}
		tops = append(tops, top)
		// No name can hold a byte below 1, and a slash sorts first, so this
		// is behind everything below top.
		if err := c.seek(top + "\x01"); err != nil {
			return nil, err
		}
	}
}
