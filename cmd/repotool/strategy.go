package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/snapshot"
	"repotool/store"
)

// proven makes the ledger answer what a snapshot asks.
type proven struct {
	ledger  *goldindex.Ledger
	proofs  *goldindex.Proofs         // a scan asks in the order of the Names, host by host
	uploads map[fossology.Name]string // file names of golds, which are read once
}

func newProven(l *goldindex.Ledger) *proven {
	return &proven{l, l.Proofs(), map[fossology.Name]string{}}
}

// Rebuildable implements [snapshot.Prover].
func (p *proven) Rebuildable(n fossology.Name) (proof snapshot.Proof, ok bool, err error) {
	sum, golds, err := p.proofs.Proof(n)
	if err != nil {
		return proof, false, err
	}
	proof.Object = store.Hash(sum)
	for _, g := range golds {
		upload, known := p.uploads[g]
		if !known {
			upload, err = p.ledger.Upload(g)
			if errors.Is(err, fs.ErrNotExist) {
				continue // an index that runs beside this has just replaced or dropped its record
			}
			if err != nil {
				return proof, false, err
			}
			p.uploads[g] = upload
		}
		proof.Golds = append(proof.Golds, snapshot.Gold{Name: g, Upload: upload})
	}
	return proof, len(proof.Golds) > 0, nil
}

// leaveOut has a snapshot leave out what gold brings back, by the ledger, which is
// brought up to date first if the settings say so. The caller closes the ledger.
func (t *tool) leaveOut(ctx context.Context, s settings, st *store.Store, in *fossology.Installation, db *fossology.Database, o *snapshot.TakeOptions) (*goldindex.Ledger, error) {
	if s.index == "run" {
		if db == nil {
			return nil, &usageError{err: errors.New("snapshot: --index run asks the database which files belong to which upload"),
				hint: "use the ledger as it is: --index use"}
		}
		if err := t.indexFirst(ctx, s, st, in, db); err != nil {
			return nil, err
		}
	}
	ledger, err := openLedger(ctx, s, st)
	if err != nil {
		return nil, mendLedger(err)
	}
	unpacker, err := goldindex.Present(ctx)
	if err != nil {
		ledger.Close()
		return nil, err
	}
	o.Prover, o.Unpacker = newProven(ledger), unpackerName(unpacker)
	return ledger, nil
}

// indexFirst brings the ledger up to date, within the budget. What goes wrong with
// that costs only room: what is not proven is stored.
func (t *tool) indexFirst(ctx context.Context, s settings, st *store.Store, in *fossology.Installation, db *fossology.Database) error {
	lock, err := st.Lock(ctx, "ledger-"+s.installation, commandLine(), t.now())
	var locked *store.LockedError
	if errors.As(err, &locked) {
		t.log.Warn("the ledger is being brought up to date by another run; it is used as it is")
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Unlock()
	err = t.updateLedger(ctx, s, st, in, db)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		fmt.Fprintf(t.stderr, "note: the ledger could not be brought up to date; what it does not prove is stored: %s\n", printable(err.Error()))
	}
	return nil
}

func (t *tool) updateLedger(ctx context.Context, s settings, st *store.Store, in *fossology.Installation, db *fossology.Database) error {
	uploads, err := uploadsHash(ctx, db) // before: what comes meanwhile is new the next time
	if err != nil {
		return err
	}
	ledger, err := openLedger(ctx, s, st)
	if err != nil {
		return err
	}
	defer ledger.Close()
	if t.nothingToProve(st, s.installation, uploads, ledger) {
		t.log.Info("no upload has changed since the last index, which had proven all: it is left out")
		return nil
	}
	r, err := t.update(ctx, s, ledger, goldindex.UpdateOptions{Repository: in.Repository, Database: moments{db}, Budget: s.indexBudget})
	if r != nil && (r.Left > 0 || r.LeftFiles > 0) {
		t.say(s, "the ledger is not up to date after %s: %s and %s are left for the next run; what they would prove is stored\n",
			s.indexBudget, plural(r.Left, "gold", "golds"), plural(r.LeftFiles, "file", "files"))
	} else if err == nil && r.Troubles > 0 {
		for _, note := range r.First {
			fmt.Fprintf(t.stderr, "note: the ledger is not up to date: %s; what it would prove is stored\n", printable(note))
		}
	} else if err == nil {
		t.remember(st, s.installation, uploads, ledger)
	}
	return err
}

// unpackerName is what a snapshot says of the unpacker: whoever rebuilds with another
// may get other bytes, and will notice.
func unpackerName(u goldindex.Unpacker) string {
	name := fmt.Sprintf("unpack %d", u.Version)
	for _, tool := range slices.Sorted(maps.Keys(u.Tools)) {
		if v := u.Tools[tool]; v != "" {
			first, _, _ := strings.Cut(strings.TrimSpace(v), "\n")
			name += ", " + strings.TrimSpace(tool+" "+first)
		}
	}
	return name
}
