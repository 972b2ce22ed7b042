package bench

import (
	"context"
	"errors"
	"os"
)

// Night changes a generated repository as one day of work does: 1 % more
// files, 0.2 % fewer of the old ones. Nights are numbered from 1; each adds and
// removes others.
func Night(ctx context.Context, dir string, opt Options, night int) (Facts, error) {
	if opt.Uploads {
		g := &generator{Options: opt.withDefaults(), dir: dir}
		added, removed := g.night(night)
		return g.exchange(ctx, added, removed)
	}
	g, first, last := newNight(dir, opt, night)
	if err := g.madeHere(first, last); err != nil {
		return Facts{}, err
	}
	err := errors.Join(
		g.each(ctx, first, last, g.add),
		g.each(ctx, 0, g.Files/removedOf, g.removed(night, g.remove)))
	return g.facts(), err
}

// UndoNight takes a night back, directories included.
func UndoNight(ctx context.Context, dir string, opt Options, night int) (Facts, error) {
	if opt.Uploads {
		g := &generator{Options: opt.withDefaults(), dir: dir, prune: true}
		added, removed := g.night(night)
		return g.exchange(ctx, removed, added)
	}
	g, first, last := newNight(dir, opt, night)
	g.prune = true
	err := errors.Join(
		g.each(ctx, first, last, g.remove),
		g.each(ctx, 0, g.Files/removedOf, g.removed(night, g.add)))
	return g.facts(), err
}

// A NotMadeError means that a directory is not the repository that a night is to change.
type NotMadeError struct{ Dir, Why string }

func (e *NotMadeError) Error() string { return "change " + e.Dir + " as a night does: " + e.Why }

// madeHere says whether a directory holds the repository of these options, as it was before
// the night that adds the files from first up to last: nothing is written into another one.
func (g *generator) madeHere(first, last int) error {
	w := &worker{}
	there := func(number int) bool {
		w.buf = g.fileContent(w.buf, uint64(number))
		_, err := os.Lstat(g.path(w, g.Host, "files"))
		return err == nil
	}
	kept := g.Files - g.Files%removedOf - 1 // the last one that no night removes
	if g.Files < removedOf {
		kept = g.Files - 1
	}
	switch {
	case !there(kept):
		return &NotMadeError{g.dir, "it holds no repository that was made with the same --files, --median and --seed"}
	case first < last && there(first):
		return &NotMadeError{g.dir, "that night was there already"}
	}
	return nil
}

// removedOf: a night removes one file of this many.
const removedOf = 500

// newNight prepares for the numbers of the files that a night adds.
func newNight(dir string, opt Options, night int) (g *generator, first, last int) {
	opt = opt.withDefaults()
	more := opt.Files / 100
	first = opt.Files + (night-1)*more
	return &generator{Options: opt, dir: dir}, first, first + more
}

// removed turns an action on a file into one on the k-th that a night removes.
// Copies of gold stay: their number is never chosen.
func (g *generator) removed(night int, act action) action {
	return func(w *worker, k int) error {
		number := k*removedOf + (night-1)%(removedOf-1)
		return act(w, number)
	}
}
