package prune

import (
	"context"

	"repotool/fossology"
)

// ask asks the database, last of all: what it says is the soonest out of date.
func (d *deed) ask(ctx context.Context, all []*candidate) error {
	var names []fossology.Name
	for _, c := range all {
		if c.why == "" {
			names = append(names, c.v.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	m, err := d.o.Look(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	busy, err := busyUploads(m.Jobs(ctx))
	if err != nil {
		return err
	}
	cut := map[int64]bool{}
	for pk, err := range m.CutShort(ctx) {
		if err != nil {
			return err
		}
		cut[pk] = !d.p.Filters.CutShort
	}
	kinds, why := map[fossology.Name]fossology.Kinds{}, map[fossology.Name]Reason{}
	for p, err := range m.PartsOf(ctx, names) {
		if err != nil {
			return err
		}
		kinds[p.Name] |= p.Kinds
		switch {
		case p.Upload > d.p.Position.Upload: // it has come since the plan: whether its own gold makes the file is not known
			why[p.Name] = OtherGold
		case busy[p.Upload]:
			why[p.Name] = Job
		case cut[p.Upload] && why[p.Name] == "":
			why[p.Name] = CutShort
		}
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
