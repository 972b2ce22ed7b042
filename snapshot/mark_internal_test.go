package snapshot

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/store"
)

// needing writes manifests, with objects in common, and returns the beginnings of all that
// they need.
func needing(t *testing.T, st *store.Store, random *rand.Rand, manifests, files int) (all []*Manifest, want []uint64) {
	for range manifests {
		var list []Entry
		for range files {
			var name fossology.Name
			name.SHA1[0], name.SHA1[1] = byte(random.Uint32()), byte(random.Uint32())
			e := Entry{Path: string(appendCanonical(nil, "localhost/files", name, 3))}
			e.Object[0], e.Object[6], e.Object[7] = byte(random.Uint32()), byte(random.Uint32N(2)), 1
			list = append(list, e)
		}
		list = sortEntries(list)
		seg := writeSegment(t, st, list)
		want = append(want, prefix(seg.Object))
		for _, e := range list {
			want = append(want, prefix(e.Object))
		}
		all = append(all, &Manifest{Segments: []Segment{seg}})
	}
	slices.Sort(want)
	return all, slices.Compact(want)
}

// TestWindow: whatever has room in memory, and whether the rest has room on the disk or
// not, the windows join without a gap and know all that is needed, each once.
func TestWindow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	st := repotest.Store(t)
	for range 8 {
		manifests, want := needing(t, st, random, 1+random.IntN(markBatch+8), 1+random.IntN(60))
		for _, c := range []struct {
			name string
			set  func(*window)
		}{
			{"file", func(*window) {}},
			{"no file", func(w *window) { w.failed = errFull }},
			{"file that gets full", func(w *window) {
				w.broken = func(n int) error {
					if n > 3 {
						return errFull
					}
					return nil
				}
			}},
		} {
			most := 2 + random.IntN(100)
			w := firstWindow(most, 2+random.IntN(100))
			c.set(w)
			var got []uint64
			for next := uint64(0); ; {
				if err := w.fill(t.Context(), st, manifests, new(Progress)); err != nil {
					t.Fatal(err)
				}
				if w.from != next || len(w.list) > 0 && (w.list[0] < w.from || w.list[len(w.list)-1] > w.to) {
					t.Fatalf("%s: a window from %x to %x behind %x, of %x", c.name, w.from, w.to, next, w.list)
				}
				got, next = append(got, w.list...), w.to+1
				if !w.next() {
					break
				}
			}
			w.close()
			if !slices.Equal(got, want) {
				t.Fatalf("%s, %d at most: %d are known, %d are needed", c.name, most, len(got), len(want))
			}
		}
	}
}

// TestRunsCut: a file that is not what was written is an error, and not a list of less.
func TestRunsCut(t *testing.T) {
	for _, damage := range []func(*runs) error{
		func(r *runs) error { return r.f.Truncate(r.ends[1] - 1) },
		func(r *runs) error { _, err := r.f.WriteAt(make([]byte, 8), 16); return err },
	} {
		r, err := newRuns(repotest.Store(t), 6)
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		if err := errors.Join(r.write([]uint64{1, 4, 9}), r.write([]uint64{2, 4, 8}), damage(r), r.merge()); err != nil {
			t.Fatal(err)
		}
		for _, more := r.peek(); more && err == nil; _, more = r.peek() {
			err = r.pass()
		}
		if !errors.Is(err, errRun) {
			t.Errorf("damage was not seen: %v", err)
		}
	}
}
