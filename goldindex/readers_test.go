package goldindex_test

import (
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"repotool/goldindex"
)

// TestReadersMeanwhile: whoever reads a ledger while updates replace its records and
// merge its segments gets right answers, perhaps fewer, and no error.
func TestReadersMeanwhile(t *testing.T) {
	h := smallHoard(t, t.TempDir())
	ledger := filepath.Join(t.TempDir(), "ledger")
	update := func(version int) {
		l, err := goldindex.Open(ledger, goldindex.Unpacker{Version: version})
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		if _, err := l.Update(t.Context(), goldindex.UpdateOptions{Repository: h.repository(), Database: h, TempDir: t.TempDir()}); err != nil {
			t.Error(err)
		}
	}
	update(1)
	want := h.said(t, ledger)
	var group sync.WaitGroup
	done := make(chan struct{})
	var rounds, confirmed atomic.Int64
	group.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			rounds.Add(1)
			l, err := goldindex.Open(ledger, tools)
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			for f, err := range l.Files(t.Context(), h.repository(), h, func(err error) { t.Error(err) }) {
				if err != nil {
					t.Errorf("files: %v", err)
					break
				}
				if f.Class == goldindex.Confirmed {
					confirmed.Add(1)
					if says := want[f.Name.String()]; !strings.HasPrefix(says, "confirmed") {
						t.Errorf("%v is confirmed, want %q", f.Name, says)
					}
				}
				_, golds, err := l.Proof(f.Name)
				if err != nil {
					t.Errorf("proof of %v: %v", f.Name, err)
				}
				for _, g := range golds {
					if !strings.Contains(want[f.Name.String()], g.String()) {
						t.Errorf("%v proves %v", g, f.Name)
					}
				}
			}
			l.Close()
		}
	})
	enough := func() bool { return rounds.Load() >= 10 && confirmed.Load() > 0 }
	for i := 0; i < 40 || !enough() && i < 400; i++ {
		update(2 - i%2)
	}
	close(done)
	group.Wait()
	t.Logf("%d rounds, %d confirmed", rounds.Load(), confirmed.Load())
	if !enough() {
		t.Errorf("%d rounds, %d confirmed", rounds.Load(), confirmed.Load())
	}
}
