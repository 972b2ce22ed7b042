package goldindex

import (
	"fmt"
	"slices"
	"strings"

	"repotool/fossology"
	"repotool/unpack"
)

// A Place is a gold that makes a content, with the paths by which it is reached.
type Place struct {
	Gold  fossology.Name
	Cost  Cost     // of unpacking all of it
	Paths []string // from the gold's upload on, as FOSSology shows them, at most maxPaths
	More  int64    // paths that are not listed
	half  [16]byte
}

// maxPaths is how many paths of one content in one gold are listed: an empty file may
// stand at a hundred thousand.
const maxPaths = 1000

// Which says which golds make a content, in the order of their Names. If there is
// none the error is ErrNotMade.
func (l *Ledger) Which(n fossology.Name) ([]Place, error) {
	makers, err := l.makers(n)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", n, err)
	}
	if len(makers) == 0 {
		return nil, fmt.Errorf("look up %s: %w", n, ErrNotMade)
	}
	slices.SortFunc(makers, func(a, b maker) int { return a.gold.Compare(b.gold) })
	var places []Place
	for _, m := range makers {
		e, ok := l.entry(m.gold)
		if !ok {
			continue
		}
		p := Place{Gold: m.gold, half: m.half}
		var path trail
		h, err := l.read(e, func(r *Row) error {
			path.step(r)
			if !r.Held || r.Of != n {
				return nil
			}
			if len(p.Paths) == maxPaths {
				p.More++
				return nil
			}
			p.Paths = append(p.Paths, path.String())
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("look up %s: %w", n, err)
		}
		p.Cost = h.Cost
		places = append(places, p)
	}
	return places, nil
}

// A trail is the path of the row that was passed last.
type trail []string

func (t *trail) step(r *Row) { *t = append((*t)[:r.Depth], unpack.DisplayName(r.Name)) }

func (t trail) String() string { return strings.Join(t, "/") }
