package goldindex

import (
	"fmt"

	"repotool/fossology"
)

// Golds says which golds make a content, each once; none is no error.
func (l *Ledger) Golds(n fossology.Name) ([]fossology.Name, error) {
	makers, err := l.makers(n)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", n, err)
	}
	var a Absent
	a.from(makers, "")
	return a.Golds, nil
}

// Header is what the record of a gold says before its rows. Of a gold that is not in
// the ledger the error is ErrNotMade.
func (l *Ledger) Header(gold fossology.Name) (*Header, error) { return l.header(gold) }

// IsPresent says whether the present unpacker has unpacked a gold: what another one found
// proves nothing any more.
func (l *Ledger) IsPresent(gold fossology.Name) bool {
	e, ok := l.entry(gold)
	return ok && e.isPresent(l)
}

// Contents calls each for every row of a gold that has a content, with the path by
// which package unpack comes to it when it is given the header's upload as name. The
// path is only made when it is asked for.
func (l *Ledger) Contents(gold fossology.Name, each func(r *Row, path func() string) error) (*Header, error) {
	e, ok := l.entry(gold)
	if !ok {
		return nil, fmt.Errorf("list contents of gold %s: %w", gold, ErrNotMade)
	}
	var at trail
	return l.read(e, func(r *Row) error {
		at.step(r)
		if !r.Held {
			return nil
		}
		return each(r, at.String)
	})
}
