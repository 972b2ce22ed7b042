package main

import (
	"context"
	"fmt"
	"iter"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

// rehearsal is what snapshot --dry-run prints with --json.
type rehearsal struct {
	Installation string           `json:"installation"`
	Repository   string           `json:"repository"`
	Parent       string           `json:"parent,omitempty"` // the snapshot it would build on
	Scheme       string           `json:"scheme"`
	NewBase      string           `json:"newBase,omitempty"` // of the scheme rotating: why one would be made
	Files        snapshot.Totals  `json:"total"`
	New          snapshot.Totals  `json:"new"`              // not in the parent
	LeftOut      snapshot.Totals  `json:"leftOut,omitzero"` // of all: gold makes them, by the ledger as it is
	Removed      int64            `json:"removed"`          // in the parent only
	WorkFiles    int64            `json:"workFiles"`
	Unreadable   int64            `json:"unreadable"`
	Database     string           `json:"database"` // how it would be dumped
	Rows         map[string]int64 `json:"rows,omitempty"`
	Quiesce      string           `json:"quiesce"`
	FreeBytes    int64            `json:"freeBytes"`
	FreeInodes   int64            `json:"freeInodes"`
	Problems     []string         `json:"problems,omitempty"`

	prover  snapshot.Prover // nil: nothing is left out
	depth   int
	newLeft int64 // bytes of New that are left out
}

// rehearse walks through what a snapshot would do, without doing it: the
// repository is listed and compared with the last snapshot, the database is
// counted. Nothing is stopped and nothing is written.
func (t *tool) rehearse(ctx context.Context, s settings, st *store.Store, in *fossology.Installation, db *fossology.Database) error {
	r := rehearsal{Installation: s.installation, Repository: in.Repository.Path, Database: s.database, Quiesce: s.quiesce, Scheme: s.scheme}
	if err := st.Apart(in.Repository.Path); err != nil {
		return err
	}
	var err error
	if r.FreeBytes, r.FreeInodes, err = store.Free(st.Dir()); err != nil {
		return err
	}
	if db != nil {
		view, err := databaseView(db)(ctx)
		if err != nil {
			return err
		}
		view.Close()
		r.Rows = view.Rows
	}
	if s.strategy == "gold" {
		ledger, err := openLedger(ctx, s, st)
		if err != nil {
			return mendLedger(err)
		}
		defer ledger.Close()
		r.prover, r.depth = newProven(ledger), in.Repository.Depth
	}
	parent, err := t.rehearsedParent(ctx, s, st, in, &r)
	if err != nil {
		return err
	}
	if err := r.compare(ctx, parent); err != nil {
		return err
	}
	r.room()
	if s.json {
		if err := t.answer(r); err != nil {
			return err
		}
	} else {
		t.say(s, "dry run, nothing was changed\n%s", r)
	}
	if n := len(r.Problems); n > 0 {
		return findingsError{int64(n)}
	}
	return nil
}

// rehearsedParent are the entries of the snapshot that the next one would build on.
func (t *tool) rehearsedParent(ctx context.Context, s settings, st *store.Store, in *fossology.Installation, r *rehearsal) (iter.Seq2[snapshot.Entry, error], error) {
	none := func(func(snapshot.Entry, error) bool) {}
	if s.scheme == string(snapshot.SchemeRotating) {
		var err error
		r.NewBase, err = snapshot.Due(rotation(s, snapshot.TakeOptions{Store: st, Installation: s.installation,
			Depth: in.Repository.Depth, Layout: snapshot.Layout(s.dayLayout), Now: t.now}))
		if err != nil || r.NewBase != "" {
			return none, err
		}
		cycles, err := snapshot.Cycles(st, s.installation)
		if err != nil || len(cycles) == 0 {
			return none, err
		}
		st = cycles[len(cycles)-1].Store
	}
	if list, err := snapshot.ListOwn(st, s.installation); err != nil || len(list) == 0 {
		return none, err
	}
	snap, err := snapshot.FindOwn(st, s.installation, "latest")
	if err != nil {
		return none, err
	}
	if _, err := snap.Hold(ctx, commandLine()); err != nil && !store.CannotWrite(err) {
		return none, err
	}
	r.Parent = snap.Name()
	return snap.Entries(ctx, ""), nil
}

// room says what will not fit. Files of equal content are counted each time, so
// it may fit all the same; what the dump takes is not known beforehand.
func (r *rehearsal) room() {
	if r.New.Bytes-r.newLeft > r.FreeBytes {
		r.Problems = append(r.Problems, fmt.Sprintf("the store has %s free, the new files have %s", size(r.FreeBytes), size(r.New.Bytes-r.newLeft)))
	}
	if r.FreeInodes >= 0 && r.New.Files > r.FreeInodes {
		r.Problems = append(r.Problems, fmt.Sprintf("the store has %s, there are %s new files", inodes(r.FreeInodes), count(r.New.Files)))
	}
}

// compare merges the repository with the entries of the parent; both come
// sorted by path.
func (r *rehearsal) compare(ctx context.Context, parent iter.Seq2[snapshot.Entry, error]) error {
	next, stop := iter.Pull2(parent)
	defer stop()
	known, err, more := next()
	for e, walkErr := range fossology.Walk(ctx, r.Repository, fossology.WalkOptions{}) {
		if walkErr != nil {
			return walkErr
		}
		switch e.Kind {
		case fossology.WorkFile:
			r.WorkFiles++
			continue
		case fossology.Unreadable:
			r.Unreadable++
			continue
		case fossology.FileFound:
		default:
			continue
		}
		for more && err == nil && (known.Kind == snapshot.Dir || fossology.ComparePaths(known.Path, e.Path) < 0) {
			if known.Kind != snapshot.Dir && !known.Gone {
				r.Removed++
			}
			known, err, more = next()
		}
		if err != nil {
			return err
		}
		r.Files.Files++
		r.Files.Bytes += e.Stat.Size
		left, leftErr := r.leftOut(e)
		if leftErr != nil {
			return leftErr
		}
		if more && known.Path == e.Path {
			same := known.Size == e.Stat.Size || known.Kind == snapshot.Symlink
			known, err, more = next()
			if same {
				continue
			}
		}
		r.New.Files++
		r.New.Bytes += e.Stat.Size
		if left {
			r.newLeft += e.Stat.Size
		}
	}
	for ; more && err == nil; known, err, more = next() {
		if known.Kind != snapshot.Dir && !known.Gone {
			r.Removed++
		}
	}
	return err
}

// leftOut says whether a snapshot by the strategy gold would leave a file out, and
// counts it.
func (r *rehearsal) leftOut(e fossology.Event) (bool, error) {
	if r.prover == nil {
		return false, nil
	}
	_, ok, err := snapshot.MayLeaveOut(r.prover, &snapshot.Entry{Path: e.Path, Size: e.Stat.Size}, r.depth)
	if ok {
		r.LeftOut.Files++
		r.LeftOut.Bytes += e.Stat.Size
	}
	return ok, mendLedger(err)
}

// String is the rehearsal for people.
func (r rehearsal) String() string {
	parent := "no snapshot yet: everything is new"
	if r.NewBase != "" {
		parent = "a new base, since " + printable(r.NewBase) + ": everything is read and stored again"
	}
	if r.Parent != "" {
		parent = fmt.Sprintf("since %s: %s new (%s), %s gone", r.Parent, count(r.New.Files), size(r.New.Bytes), count(r.Removed))
	}
	if r.prover != nil {
		parent += fmt.Sprintf("\n  left out    %s, %s, that gold makes, by the ledger as it is today", plural(r.LeftOut.Files, "file", "files"), size(r.LeftOut.Bytes))
	}
	database := r.Database
	if r.Rows != nil {
		database += fmt.Sprintf(": %s, %s", plural(r.Rows["upload"], "upload", "uploads"), plural(r.Rows["pfile"], "pfile", "pfiles"))
	}
	problems := ""
	for _, p := range r.Problems {
		problems += fmt.Sprintf("  problem     %s\n", p)
	}
	return fmt.Sprintf(`  repository  %s: %s, %s (%s of agents at work left out, %s unreadable)
  change      %s
  database    %s
  standstill  %s
  store       %s free, %s
%s`, r.Repository, plural(r.Files.Files, "file", "files"), size(r.Files.Bytes), count(r.WorkFiles), count(r.Unreadable),
		parent, database, r.Quiesce, size(r.FreeBytes), inodes(r.FreeInodes), problems)
}
