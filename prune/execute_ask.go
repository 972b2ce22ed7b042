package prune

import (
	"context"
	"maps"
	"slices"

	"repotool/fossology"
)

// ask asks the database, last of all: what it says is the soonest out of date.
func (d *deed) ask(ctx context.Context, all []*candidate) error {
	makers := map[fossology.Name][]fossology.Name{}
	for _, c := range all {
		if c.why == "" {
			makers[c.v.Name] = c.makers
		}
	}
	if len(makers) == 0 {
		return nil
	}
	m, err := d.o.Look(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	kinds, why, err := d.uses(ctx, m, makers)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.why != "" {
			continue
		}
		switch k := kinds[c.v.Name]; {
		case k == 0:
			c.why = Unknown
		case !d.p.Level.Takes(k):
			c.why = OtherClass
		case k&fossology.Unopened != 0:
			c.why = NotUnpacked
		default:
			c.why = why[c.v.Name]
		}
	}
	return nil
}

// uses says of files, whose makers are given, what they are to the uploads that there are now,
// and why some have to stay.
func (d *deed) uses(ctx context.Context, m Moment, makers map[fossology.Name][]fossology.Name) (map[fossology.Name]fossology.Kinds, map[fossology.Name]Reason, error) {
	busy, err := busyUploads(m.Jobs(ctx))
	if err != nil {
		return nil, nil, err
	}
	cut := map[int64]bool{}
	for pk, err := range m.CutShort(ctx) {
		if err != nil {
			return nil, nil, err
		}
		cut[pk] = !d.p.Filters.CutShort
	}
	golds := goldsThere{d.o.Repository, map[fossology.Name]bool{}}
	kinds, why := map[fossology.Name]fossology.Kinds{}, map[fossology.Name]Reason{}
	for p, err := range m.PartsOf(ctx, slices.Collect(maps.Keys(makers))) {
		if err != nil {
			return nil, nil, err
		}
		kinds[p.Name] |= p.Kinds
		switch before := why[p.Name]; {
		case before == OtherGold:
		case p.Living && !golds.oneOf(makers[p.Name], p.Gold): // as judge.byTheirOwn
			why[p.Name] = OtherGold
		case busy[p.Upload]:
			why[p.Name] = Job
		case cut[p.Upload] && before == "":
			why[p.Name] = CutShort
		}
	}
	return kinds, why, nil
}

// goldsThere remembers for a batch which golds are there: each is looked at once.
type goldsThere struct {
	repo fossology.Repository
	seen map[fossology.Name]bool
}

// oneOf says whether a gold is one of the makers, which are sorted, and is there.
func (g goldsThere) oneOf(makers []fossology.Name, gold fossology.Name) bool {
	if _, found := slices.BinarySearchFunc(makers, gold, fossology.Name.Compare); !found {
		return false
	}
	there, known := g.seen[gold]
	if !known {
		path, err := g.repo.Find("gold", gold.String())
		there = err == nil && isThere(path, gold)
		g.seen[gold] = there
	}
	return there
}
