package snapshot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"repotool/fossology"
)

// list hands the selected entries to the workers. Directories with an entry
// of their own are made here, before anything in them.
func (r *restorer) list(ctx context.Context) error {
	batch := make([]Entry, 0, restoreBatch)
	send := func() error {
		select {
		case r.batches <- batch:
			batch = make([]Entry, 0, restoreBatch)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	matched := make([]bool, len(r.o.Only))
	for e, err := range r.Entries(ctx, "") {
		if err != nil {
			return err
		}
		asked := selected(&e, r.o.Only, matched)
		if asked {
			r.owners.of(&e.UID, &e.GID)
		}
		if !r.brings(&e, asked) {
			continue
		}
		if e.Kind == Dir {
			if err := r.dir(&e); err != nil {
				return err
			}
			continue
		}
		if r.deferLink(e) {
			continue
		}
		if n := len(batch); n == restoreBatchMax || n >= restoreBatch && !sameShard(batch[n-1].Path, e.Path) {
			if err := send(); err != nil {
				return err
			}
		}
		batch = append(batch, e)
	}
	if len(matched) > 0 && !slices.Contains(matched, true) {
		return &SelectionError{r.o.Only}
	}
	for i, met := range matched {
		if !met {
			r.o.Findings.Add(NothingSelected, r.o.Only[i], "nothing in the snapshot matches it")
		}
	}
	return send()
}

// brings says whether an entry is one to restore: it is asked for, and the store has its
// bytes if gold makes them, too.
func (r *restorer) brings(e *Entry, asked bool) bool {
	if !e.LeftOut() {
		return asked
	}
	here := asked && stored(r.Store, e)
	if asked && !here {
		r.passOver(e)
	}
	r.leftovers.brought.add(here && !r.o.Plan)
	return here
}

// deferLink keeps a further name of a file for the end.
func (r *restorer) deferLink(e Entry) bool {
	if e.Inode == 0 || e.Object.IsZero() {
		return false
	}
	first, ok := r.links[e.Inode]
	if !ok {
		r.links[e.Inode] = &Entry{Path: e.Path, Object: e.Object}
		return false
	}
	if first.Object != e.Object {
		return false
	}
	r.again = append(r.again, linkPair{first.Path, e})
	return true
}

// selected says whether an entry is among those asked for, and notes by which
// of them.
func selected(e *Entry, only []string, matched []bool) (yes bool) {
	for i, o := range only {
		o = strings.Trim(o, "/")
		if fossology.Within(e.Path, o) || typeOf(e.Path) == o || e.Path[strings.LastIndexByte(e.Path, '/')+1:] == o {
			matched[i], yes = true, true
		}
	}
	return yes || len(only) == 0
}

// A SelectionError says that a snapshot holds nothing of what was asked for.
type SelectionError struct{ Only []string }

func (e *SelectionError) Error() string {
	return fmt.Sprintf("nothing in the snapshot matches %s", strings.Join(e.Only, ", "))
}

// Hint says what to do about it.
func (e *SelectionError) Hint() string {
	hint := "name a type (gold, files, logs), a host, a path as 'repotool ls' prints it, or a file name"
	for _, o := range e.Only {
		if strings.Contains(o, ",") {
			return "for several things write --only several times; " + hint
		}
	}
	return hint
}
