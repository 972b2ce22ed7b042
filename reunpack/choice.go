package reunpack

import (
	"errors"
	"fmt"

	"repotool/fossology"
	"repotool/goldindex"
)

// A choice finds out which gold is opened for which file. Each file comes by three
// times: when it is found missing, when golds are chosen, when it is given to one.
type choice struct {
	source  Source
	spool   *spool
	numbers map[fossology.Name]int
	golds   []*candidateGold
}

// A candidateGold is a gold that makes something that is missing.
type candidateGold struct {
	Gold
	lost   error // it is not there
	could  int64 // missing files that it makes
	chosen bool
}

// number gives a gold its number when it first comes by.
func (c *choice) number(gold fossology.Name) (int, error) {
	if i, known := c.numbers[gold]; known {
		return i, nil
	}
	g := &candidateGold{Gold: Gold{Name: gold.String(), name: gold}}
	var lost *lostError
	if _, err := present(c.source.Repository, gold); errors.As(err, &lost) {
		g.lost = lost
	} else if err != nil {
		return 0, err
	}
	h, err := c.source.Ledger.Header(gold)
	switch {
	case errors.Is(err, goldindex.ErrDamaged):
		g.lost = err // the next update of the ledger makes it anew
	case err != nil:
		return 0, err
	default:
		g.Upload, g.Cost = h.Upload, h.Cost
	}
	c.numbers[gold] = len(c.golds)
	c.golds = append(c.golds, g)
	return len(c.golds) - 1, nil
}

// usable are the golds that are there; lost says what is the matter with the others.
func (c *choice) usable(golds []fossology.Name) (numbers []int, lost error, err error) {
	for _, gold := range golds {
		i, err := c.number(gold)
		if err != nil {
			return nil, nil, fmt.Errorf("look at gold %s: %w", gold, err)
		}
		if c.golds[i].lost != nil {
			lost = errors.Join(lost, c.golds[i].lost)
			continue
		}
		numbers = append(numbers, i)
	}
	return numbers, lost, nil
}

// add takes a file with the golds that make it. One that is alone is chosen.
func (c *choice) add(n fossology.Name, golds []int) error {
	for _, i := range golds {
		c.golds[i].could++
	}
	if len(golds) == 1 {
		c.golds[golds[0]].chosen = true
	}
	return c.spool.add(n, golds)
}

// choose gives each file to a gold: to one that is opened in any case, else to the
// one that makes most of what is missing.
func (c *choice) choose() error {
	err := c.spool.each(func(_ fossology.Name, golds []int) error {
		for _, i := range golds {
			if c.golds[i].chosen {
				return nil
			}
		}
		c.golds[c.best(golds, false)].chosen = true
		return nil
	})
	if err != nil {
		return err
	}
	return c.spool.assign(len(c.golds), func(n fossology.Name, golds []int) int {
		i := c.best(golds, true)
		c.golds[i].Files++
		c.golds[i].Bytes += n.Size
		return i
	})
}

// best is the gold that makes most, if wanted of the chosen ones; of several the cheapest.
func (c *choice) best(golds []int, chosen bool) int {
	best := -1
	for _, i := range golds {
		if chosen && !c.golds[i].chosen {
			continue
		}
		if best < 0 || c.better(c.golds[i], c.golds[best]) {
			best = i
		}
	}
	return best
}

func (c *choice) better(a, b *candidateGold) bool {
	if a.could != b.could {
		return a.could > b.could
	}
	if a.Cost.Seconds != b.Cost.Seconds {
		return a.Cost.Seconds < b.Cost.Seconds
	}
	return a.name.Compare(b.name) < 0
}
