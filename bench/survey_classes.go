package bench

import (
	"context"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/prune"
)

// A classing goes through files, by their Names.
type classing struct {
	*Survey
	o      *SurveyOptions
	proofs *goldindex.Proofs
	makers map[fossology.Name]bool                 // golds of which a restore takes what was left out
	undo   map[prune.Level]map[fossology.Name]bool // and those that bring back what a level takes
	left   int64                                   // bytes that a store takes for files that nothing brings back
}

// classes says what the files are, and which of them gold brings back.
func (s *Survey) classes(ctx context.Context, db Installed, o *SurveyOptions) error {
	c := &classing{s, o, o.Ledger.Proofs(), map[fossology.Name]bool{}, map[prune.Level]map[fossology.Name]bool{}, s.Files.Stored}
	for _, l := range prune.Levels() {
		c.undo[l] = map[fossology.Name]bool{}
	}
	parts := fossology.Follow(db.Parts(ctx), func(x fossology.Part) fossology.Name { return x.Name }, fossology.Name.Compare)
	defer parts.Stop()
	for f, err := range o.Ledger.Files(ctx, o.Repository, db, s.trouble) {
		if err != nil {
			return err
		}
		of, err := parts.At(f.Name)
		if err != nil {
			return err
		}
		if err := c.file(&f, of); err != nil {
			return err
		}
	}
	s.Unproven.Stored = max(0, c.left) // which is known of the whole more exactly
	var err error
	for l, golds := range c.undo {
		if s.Undo[l], err = makingOf(o.Ledger, golds); err != nil {
			return err
		}
	}
	s.Rebuild.Making, err = makingOf(o.Ledger, c.makers)
	return err
}

// file counts one, which is those parts of uploads.
func (c *classing) file(f *goldindex.File, of []fossology.Part) error {
	var st unix.Stat_t
	if f.Absent || unix.Lstat(f.Path, &st) != nil {
		return nil
	}
	r := c.o.room(f.BLAKE3, f.Path, f.Size, st.Blocks, uint64(st.Nlink))
	var maker fossology.Name
	if f.Class == goldindex.Confirmed {
		_, golds, err := c.proofs.Proof(f.Name)
		if err != nil {
			return err
		}
		if len(golds) > 0 {
			maker = golds[0] // as a snapshot chooses
		}
	}
	if len(of) == 0 || f.Name.IsZero() {
		c.Unknown.add(f.Size, r)
	} else {
		c.class(of, f, r, maker)
	}
	gold := false
	if !f.Name.IsZero() {
		at, err := c.o.Repository.Find("gold", f.Name.String())
		gold = err == nil && there(at)
	}
	if f.Class != goldindex.Confirmed && !gold {
		c.Unproven.add(f.Size, r)
		return nil
	}
	c.left -= r.stored
	if f.Class != goldindex.Confirmed {
		return nil
	}
	c.Proven.add(f.Size, r)
	if gold || f.Size == 0 { // a store has it as gold, and nothing at all is not worth leaving out
		return nil
	}
	c.LeftOut.add(f.Size, r)
	c.makers[maker] = true
	return nil
}

// class adds a file to its class, and to what can be pruned.
func (c *classing) class(of []fossology.Part, f *goldindex.File, r room, maker fossology.Name) {
	kinds := fossology.Kinds(0)
	for _, p := range of {
		kinds |= p.Kinds
	}
	h := c.Classes[prune.ClassOf(kinds)]
	h.add(f.Size, r)
	c.Classes[prune.ClassOf(kinds)] = h
	for _, level := range prune.Levels() {
		if f.Class == goldindex.Confirmed && level.Takes(kinds) {
			h := c.Prunable[level]
			h.add(f.Size, r)
			c.Prunable[level] = h
			c.undo[level][maker] = true
		}
	}
}
