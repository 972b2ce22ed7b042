package goldindex

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"repotool/unpack"
)

// TestLarge: a gold whose rows are sorted a part at a time has the same segment as
// one whose rows are sorted together.
func TestLarge(t *testing.T) {
	var segments [2][]byte
	for i, index := range []func(l *Ledger, e entry) error{
		func(l *Ledger, _ entry) error { _, err := l.index(t.Context()); return err },
		func(l *Ledger, e entry) error { return l.large(e, &rows{width: madeWidth}, 5000, 100) },
	} {
		l, r := testLedger(t), rand.New(rand.NewPCG(5, 6))
		gold := testName(r, 60)
		err := l.record(gold, Unpacked, &Header{Unpacker: l.unpacker, Cost: Cost{Files: 5000}}, func(add func(*Row) error) error {
			for n := range 5000 {
				x := Row{Depth: min(n, 1), Class: unpack.Leaf, Held: true, Of: benchName(r)}
				if n%3 > 0 {
					x.Of = testName(rand.New(rand.NewPCG(1, 2)), 60) // the same again and again
				}
				if err := add(&x); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		e, _ := l.entry(gold)
		if err := index(l, e); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(l.set.dir, "*"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if segments[i], err = os.ReadFile(files[0]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(segments[0], segments[1]) || len(segments[0]) < 1667*madeWidth {
		t.Errorf("segments of %d and %d bytes differ", len(segments[0]), len(segments[1]))
	}
}
