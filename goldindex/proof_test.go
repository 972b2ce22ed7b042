package goldindex_test

import (
	"slices"
	"testing"

	"repotool/goldindex"
)

// A proof names golds that make the file, and has the hash of its bytes. With another
// unpacker, or without the gold, there is none.
func TestProof(t *testing.T) {
	s := newSite(t)
	s.fill(t)
	l, n := s.open(t), 0
	other, err := goldindex.Open(s.ledger, goldindex.Unpacker{Version: s.unpacker.Version + 1, Tools: s.unpacker.Tools})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for f, err := range l.Files(t.Context(), s.repo, s.db, func(err error) { t.Error(err) }) {
		if err != nil {
			t.Fatal(err)
		}
		sum, golds, err := l.Proof(f.Name)
		if err != nil || (len(golds) > 0) != (f.Class == goldindex.Confirmed) {
			t.Fatalf("%s is %s: %d golds, %v", f.Path, f.Class, len(golds), err)
		}
		if f.Class != goldindex.Confirmed {
			continue
		}
		n++
		if sum != f.BLAKE3 {
			t.Errorf("%s: hash %x, want %x", f.Path, sum, f.BLAKE3)
		}
		places, err := l.Which(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range golds {
			if !slices.ContainsFunc(places, func(p goldindex.Place) bool { return p.Gold == g }) {
				t.Errorf("%s: gold %s does not make it", f.Path, g)
			}
			if upload, err := l.Upload(g); err != nil || upload == "" {
				t.Errorf("gold %s: upload %q, %v", g, upload, err)
			}
		}
		if _, golds, err := other.Proof(f.Name); err != nil || len(golds) > 0 {
			t.Errorf("%s: with another unpacker %d golds, %v", f.Path, len(golds), err)
		}
	}
	if n < 800 {
		t.Errorf("only %d files are confirmed", n)
	}
}
