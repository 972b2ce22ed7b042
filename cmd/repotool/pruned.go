package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/snapshot"
	"repotool/store"
)

// pruned says of files that the repository has not got whether gold makes them. The ledger
// is opened for the first one: mostly there is none.
type pruned struct {
	open   func() (*goldindex.Ledger, error)
	log    func(error)
	ledger *goldindex.Ledger
	prover *proven
	opened bool
}

// prunedFiles looks into the ledger of the installation, if there is one.
func (t *tool) prunedFiles(ctx context.Context, s settings, st *store.Store) *pruned {
	return &pruned{
		open: func() (*goldindex.Ledger, error) {
			if _, err := os.Stat(st.Path("ledger", s.installation)); errors.Is(err, fs.ErrNotExist) {
				return nil, nil
			}
			return openLedger(ctx, s, st)
		},
		log: func(err error) {
			t.log.Warn("whether gold makes files that are not in the repository is not known", "err", err)
		},
	}
}

func (p *pruned) get() *proven {
	if !p.opened {
		p.opened = true
		var err error
		if p.ledger, err = p.open(); err != nil {
			p.log(err)
		} else if p.ledger != nil {
			p.prover = newProven(p.ledger)
		}
	}
	return p.prover
}

// Rebuildable implements [snapshot.Prover].
func (p *pruned) Rebuildable(n fossology.Name) (snapshot.Proof, bool, error) {
	prover := p.get()
	if prover == nil {
		return snapshot.Proof{}, false, nil
	}
	return prover.Rebuildable(n)
}

// Golds implements [fossology.Rebuilder].
func (p *pruned) Golds(n fossology.Name) ([]fossology.Name, error) {
	if p.get() == nil {
		return nil, nil
	}
	return p.ledger.Golds(n)
}

// Close closes the ledger, if it was opened.
func (p *pruned) Close() error {
	if p.ledger == nil {
		return nil
	}
	return p.ledger.Close()
}

// placeOf says where a repository has a derived file, relative to it.
func placeOf(r fossology.Repository) func(fossology.Name) string {
	return func(n fossology.Name) string {
		paths, err := r.Paths("files", n.String())
		if err != nil {
			return "" // there is none for such a name, and no snapshot takes it up
		}
		path, err := filepath.Rel(r.Path, paths[0])
		if err != nil {
			return ""
		}
		return path
	}
}
