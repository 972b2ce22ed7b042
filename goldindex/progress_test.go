package goldindex_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/repotest"
)

// heard is what a Progress was told of each phase.
type heard struct {
	mu     sync.Mutex
	phases []goldindex.Phase
	total  map[goldindex.Phase]goldindex.Sum
	done   map[goldindex.Phase]goldindex.Sum
}

func newHeard() *heard {
	return &heard{total: map[goldindex.Phase]goldindex.Sum{}, done: map[goldindex.Phase]goldindex.Sum{}}
}

// Begin implements [goldindex.Progress].
func (h *heard) Begin(p goldindex.Phase, files, bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.phases = append(h.phases, p)
	h.total[p], h.done[p] = goldindex.Sum{Files: files, Bytes: bytes}, goldindex.Sum{}
}

// Done implements [goldindex.Progress].
func (h *heard) Done(files, bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.phases[len(h.phases)-1]
	h.done[p] = goldindex.Sum{Files: h.done[p].Files + files, Bytes: h.done[p].Bytes + bytes}
}

// TestProgress: each phase says what there is to do, and all of it is done in the end;
// what an earlier run has done is no part of it.
func TestProgress(t *testing.T) {
	h := &hoard{dir: t.TempDir()}
	var golds int64
	for i := range uint64(6) {
		info, err := os.Stat(h.add(t, []byte("shared"), random(i, 10_000), random(i+10, 300)))
		if err != nil {
			t.Fatal(err)
		}
		golds += info.Size()
	}
	ledger := filepath.Join(t.TempDir(), "ledger")
	o := goldindex.UpdateOptions{Repository: h.repository(), Database: h, TempDir: t.TempDir(), Parallel: 1}
	run := func(o goldindex.UpdateOptions) *heard {
		t.Helper()
		told := newHeard()
		o.Progress = told
		l := openHoard(t, ledger)
		defer l.Close()
		if _, err := l.Update(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		for _, p := range []goldindex.Phase{goldindex.PhaseCheck, goldindex.PhaseUnpack, goldindex.PhaseRead} {
			if total, done := told.total[p], told.done[p]; o.Budget == 0 && (done.Bytes != total.Bytes || total.Files > 0 && done.Files != total.Files) {
				t.Errorf("%s: %+v of %+v is done", p, done, total)
			}
		}
		return told
	}
	// A budget ends after the first gold.
	now := time.Unix(1e9, 0)
	first := o
	first.Budget = time.Hour
	first.Now = func() time.Time { return now }
	first.Opened = func(string) { now = now.Add(2 * time.Hour) }
	if told := run(first); told.total[goldindex.PhaseUnpack].Bytes != golds || told.done[goldindex.PhaseUnpack].Bytes > golds/2 {
		t.Errorf("first: %+v done of %+v, want %d", told.done, told.total, golds)
	}
	second := run(o)
	if n := second.total[goldindex.PhaseUnpack].Bytes; n != golds/6*5 {
		t.Errorf("second: %d bytes of gold are to be unpacked, want %d", n, golds/6*5)
	}
	if n := second.total[goldindex.PhaseRead].Files; n != int64(6*3+1) { // golds, two members of each, the shared one
		t.Errorf("second: %d files are to be read", n)
	}
	if third := run(o); third.total[goldindex.PhaseUnpack].Bytes != 0 || third.total[goldindex.PhaseRead].Files != 0 {
		t.Errorf("third: %+v", third.total)
	}
}

// TestBudgetAmid: a gold that was begun within the budget is finished, whatever it
// takes; no other is begun, and the next run goes on behind it.
func TestBudgetAmid(t *testing.T) {
	h := &hoard{dir: t.TempDir()}
	for i := range uint64(3) {
		h.add(t, random(i, 1000))
	}
	ledger := filepath.Join(t.TempDir(), "ledger")
	now := time.Unix(1e9, 0)
	o := goldindex.UpdateOptions{Repository: h.repository(), Database: h, TempDir: t.TempDir(), Parallel: 1, Budget: time.Hour,
		Now: func() time.Time { return now }, Opened: func(string) { now = now.Add(5 * time.Hour) }}
	for night := range int64(3) {
		l := openHoard(t, ledger)
		r, err := l.Update(t.Context(), o)
		l.Close()
		if err != nil {
			t.Fatalf("night %d: %v", night, err)
		}
		// The second night confirms what the first has unpacked, which uses its hour up.
		want := goldindex.Report{New: 1 - night%2, Left: 2 - night/2, Read: 2 * (night % 2)}
		if r.New != want.New || r.Left != want.Left || r.Read != want.Read {
			t.Errorf("night %d: %+v, want %+v", night, *r, want)
		}
	}
}

// TestInterruptAmid: an update that is told to end in the middle of a huge gold ends
// soon, and keeps what was done before.
func TestInterruptAmid(t *testing.T) {
	const huge = 64 << 30 // of nothing: a sparse file, which would take a minute
	h := &hoard{dir: t.TempDir()}
	h.add(t, random(1, 1000))
	name := fossology.Name{SHA1: [20]byte{0xff}, Size: huge}
	path := filepath.Join(h.dir, "localhost", "gold", fossology.FanOut(name.String(), 3), name.String())
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("\x1f\x8b\x08"), 0o644); err != nil { // a gzip, a bad one
		t.Fatal(err)
	}
	if err := os.Truncate(path, huge); err != nil {
		t.Fatal(err)
	}
	ledger := filepath.Join(t.TempDir(), "ledger")
	l := openHoard(t, ledger)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told time.Time
	there := goleak.IgnoreCurrent()
	_, err := l.Update(ctx, goldindex.UpdateOptions{Repository: h.repository(), Database: h, TempDir: t.TempDir(), Parallel: 1,
		Opened: func(opened string) {
			if opened == path {
				time.AfterFunc(300*time.Millisecond, func() { told = time.Now(); cancel() })
			}
		}})
	if took := time.Since(told); !errors.Is(err, context.Canceled) || took > 20*time.Second {
		t.Errorf("%v, after %v", err, took)
	}
	repotest.NoneLeft(t, there)
	l.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l = openHoard(t, ledger)
	r, err := l.Update(t.Context(), goldindex.UpdateOptions{Repository: h.repository(), Database: h, TempDir: t.TempDir()})
	if err != nil || r.New != 0 || r.UpToDate != 1 || r.Read != 2 {
		t.Errorf("the next: %v, %+v", err, r)
	}
}
