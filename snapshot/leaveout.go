package snapshot

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"repotool/fossology"
	"repotool/store"
)

// A Prover says what gold brings back. Only a file that it has proven is left out
// of a snapshot.
type Prover interface {
	// Rebuildable says whether gold makes a derived file: ok only if that was
	// tried, with the present unpacker, and the bytes were those of the file.
	Rebuildable(fossology.Name) (p Proof, ok bool, err error)
}

// A Proof says that each of some golds makes a content.
type Proof struct {
	Object store.Hash // BLAKE3-256 of the content
	Golds  []Gold
}

// MayLeaveOut says whether a file may be left out, if the snapshot holds one of the
// golds: it is a derived file, and there is a proof. depth is that of the fan-out.
func MayLeaveOut(by Prover, e *Entry, depth int) (p Proof, ok bool, err error) {
	p, ok, err = made(by, e, depth)
	name, _ := e.Name(depth)
	// What is gold itself costs nothing: the store has one object for both.
	return p, ok && !p.from(name), err
}

// made says whether gold makes a derived file, or is it.
func made(by Prover, e *Entry, depth int) (p Proof, ok bool, err error) {
	name, named := e.Name(depth)
	if !named || e.Size != name.Size || e.Size == 0 || typeOf(e.Path) != "files" {
		return p, false, nil // a file of another size than its Name's is damaged, which must be seen
	}
	p, ok, err = by.Rebuildable(name)
	return p, ok && err == nil, err
}

// from says whether a gold is among those that make the content.
func (p *Proof) from(name fossology.Name) bool {
	return slices.ContainsFunc(p.Golds, func(g Gold) bool { return g.Name == name })
}

// maxFaults is how many failures to look a proof up are told of one by one. Beyond,
// nobody is asked any more in this scan, and everything is kept.
const maxFaults = 100

// leaveOut decides whether the snapshot needs the bytes of a file, and makes the
// entry one of a file that is left out. prev is what is known of it, or empty.
func (s *scan) leaveOut(e, prev *Entry) bool {
	if s.prover == nil {
		return false
	}
	p, ok, err := MayLeaveOut(s.prover, e, s.depth)
	if err != nil {
		s.findings.Add(NoProof, e.Path, "kept: "+err.Error())
		if s.faults++; s.faults == maxFaults {
			s.prover = nil
		}
		return false
	}
	if !ok || !prev.Object.IsZero() && prev.Object != p.Object {
		return false
	}
	for _, g := range p.Golds {
		if s.golds != nil && !s.golds[g.Name] {
			continue
		}
		if !e.LeftOut() || g == prev.Gold { // the one before, so that nothing changes without need
			e.Gold = g
		}
	}
	if e.LeftOut() {
		e.Object = p.Object
	}
	return e.LeftOut()
}

// stored says whether the store has the bytes of an entry: a file that is left out
// may have been stored by an earlier snapshot.
func stored(st *store.Store, e *Entry) bool {
	info, err := st.Stat(e.Object)
	return err == nil && info.Size == e.Size
}

// stillStored is stored for an entry that is to need the object from now on.
func (s *scan) stillStored(e *Entry) bool {
	info, err := s.st.Need(e.Object)
	return err == nil && info.Size == e.Size
}

// reviewKnown decides anew about a known file whose directory is not read: its
// proof may have lapsed, or come.
func (s *scan) reviewKnown(ctx context.Context, known *Entry) error {
	if known.Kind != File || !known.LeftOut() && s.prover == nil {
		return nil
	}
	if known.Gone {
		return s.passVanished(ctx, known)
	}
	it := item{entry: *known, prev: *known, had: true}
	it.entry.Gold = Gold{}
	if !s.leaveOut(&it.entry, known) && known.LeftOut() {
		it.read = !s.stillStored(known)
	}
	if it.entry == it.prev {
		return nil
	}
	return s.add(ctx, it)
}

// A goldSet holds the golds of a manifest.
type goldSet map[fossology.Name]bool

// maker is the first gold of a proof that the set holds.
func (s goldSet) maker(p *Proof) (Gold, bool) {
	for _, g := range p.Golds {
		if s[g.Name] {
			return g, true
		}
	}
	return Gold{}, false
}

// settleAttempts is how often a pass is repeated for files whose gold went away
// meanwhile: once is usual, again only if golds go while it is at work.
const settleAttempts = 5

// settle sees to it that every file that is left out, and can be read, has its gold in the
// snapshot. Where the walk comes to files, it does not know yet which golds will be read
// well. Those that are gone are dealt with when it is known what the database refers to:
// of an upload that was deleted nothing is wanted.
func (t *taker) settle(ctx context.Context) error {
	before := int64(-1)
	for n := 0; ; n++ {
		without, err := t.withoutGold(ctx)
		if err != nil || without == 0 {
			return err
		}
		if without == before || n == settleAttempts {
			t.findings.Add(NoGold, "", fmt.Sprintf("%d files were left out earlier; now their gold is not here, nor can they be read", without))
			return nil
		}
		before = without
		t.Log.Info("gold is not in the snapshot; keeping the files that it makes", "files", without)
		if err := t.scan(ctx, PhaseRescan, t.fresh.dirs(), true); err != nil {
			return err
		}
	}
}

// withoutGold counts the files of the repository that are left out although their gold is
// not in the manifest.
func (t *taker) withoutGold(ctx context.Context) (n int64, err error) {
	if t.manifest.LeftOut.Files == 0 {
		return 0, nil
	}
	if t.golds, err = goldsOf(ctx, t.Store, t.manifest); err != nil {
		return 0, err
	}
	for e, err := range entries(ctx, t.Store, t.manifest.Segments, "") {
		if err != nil {
			return 0, err
		}
		if e.LeftOut() && !e.Gone && !t.golds[e.Gold.Name] {
			n++
		}
	}
	return n, nil
}

// goldsOf lists the golds of a manifest that the store has. One that was lost there may
// come again when the day is made, but that is not known yet.
func goldsOf(ctx context.Context, st *store.Store, m *Manifest) (goldSet, error) {
	names, err := namesOf(ctx, st, m, "gold", func(e *Entry) bool { return stored(st, e) })
	if err != nil {
		return nil, err
	}
	golds := goldSet{}
	for name, err := range names {
		if err != nil {
			return nil, err
		}
		golds[name] = true
	}
	return golds, nil
}

// Golds returns the entries of the golds of a snapshot, by their Names. Where
// several hosts hold one, any will do.
func (s *Snapshot) Golds(ctx context.Context) (map[fossology.Name]Entry, error) {
	golds := map[fossology.Name]Entry{}
	tops, err := topNames(s.Store, s.Manifest)
	if err != nil {
		return nil, err
	}
	for _, top := range tops {
		prefix := top + "/gold"
		if top == "gold" {
			prefix = top
		}
		for e, err := range s.Entries(ctx, prefix) {
			if err != nil {
				return nil, err
			}
			if name, ok := e.Name(s.Manifest.Depth); ok && e.Kind == File && !e.LeftOut() {
				golds[name] = e
			}
		}
	}
	return golds, nil
}

// LeftOutNames yields the Names of the files that are left out, sorted, each once.
func (s *Snapshot) LeftOutNames(ctx context.Context) (iter.Seq2[fossology.Name, error], error) {
	return namesOf(ctx, s.Store, s.Manifest, "files", (*Entry).LeftOut)
}

// LeftOutBy sums up, for each gold, the files of a snapshot that it must bring back.
func (s *Snapshot) LeftOutBy(ctx context.Context) (map[Gold]Totals, error) {
	by := map[Gold]Totals{}
	if s.Manifest.LeftOut.Files == 0 {
		return by, nil
	}
	for e, err := range s.Entries(ctx, "") {
		if err != nil {
			return nil, err
		}
		if e.LeftOut() {
			by[e.Gold] = by[e.Gold].plus(e.Size)
		}
	}
	return by, nil
}

func (t Totals) plus(bytes int64) Totals { return Totals{t.Files + 1, t.Bytes + bytes} }

// sortedGolds puts golds into order.
func sortedGolds(golds []Gold) []Gold {
	slices.SortFunc(golds, func(a, b Gold) int {
		if c := a.Name.Compare(b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Upload, b.Upload)
	})
	return golds
}
