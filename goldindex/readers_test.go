package goldindex_test

import (
	"path/filepath"
	"strings"
	"sync"
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
	rounds, confirmed := 0, 0
	group.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			rounds++
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
					confirmed++
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
	for i := range 40 {
		update(2 - i%2)
	}
	close(done)
	group.Wait()
	t.Logf("%d rounds, %d confirmed", rounds, confirmed)
	if rounds < 10 || confirmed == 0 {
		t.Errorf("%d rounds, %d confirmed", rounds, confirmed)
	}
}
