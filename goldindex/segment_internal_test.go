package goldindex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"repotool/fossology"
)

// testLedger is an empty ledger that can be written.
func testLedger(t testing.TB) *Ledger {
	t.Helper()
	l, err := Open(filepath.Join(t.TempDir(), "ledger"), Unpacker{Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// testName draws a Name; few bits make many that are alike.
func testName(r *rand.Rand, bits int) (n fossology.Name) {
	x := r.Uint64() >> (64 - bits)
	for i := range 2 {
		binary.BigEndian.PutUint64(n.SHA1[8*i:], x*0x9e3779b97f4a7c15)
	}
	binary.BigEndian.PutUint64(n.MD5[:], x)
	n.Size = int64(x % 1000)
	return n
}

func testGold(l *Ledger, i int) segmentGold {
	n := fossology.Name{Size: int64(i)}
	binary.BigEndian.PutUint32(n.SHA1[:], uint32(i))
	l.golds[n] = entry{gold: n, kind: Unpacked, unpacker: l.unpacker.id(), sum: uint64(i)}
	return segmentGold{n, uint64(i)}
}

// TestKey: keys are in the order of Names, and lose nothing.
func TestKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(who string) (n fossology.Name) {
			n.SHA1[0] = rapid.ByteRange(0, 1).Draw(t, who+" sha1")
			n.MD5[0] = rapid.ByteRange(0, 1).Draw(t, who+" md5")
			n.Size = rapid.OneOf(rapid.Int64Range(0, 1<<63-1), rapid.Int64Range(0, 200)).Draw(t, who+" size")
			return n
		}
		a, b := draw("a"), draw("b")
		ka, kb := appendKey(nil, a), appendKey(nil, b)
		if keyName(ka) != a || len(ka) != keySize {
			t.Errorf("%v comes back as %v", a, keyName(ka))
		}
		if got, want := bytes.Compare(ka, kb), a.Compare(b); got != want {
			t.Errorf("%v and %v compare as %d, their keys as %d", a, b, want, got)
		}
	})
}

// TestSegments compares lookups, prefixes and the walk beside Names with a map, while
// segments are published and merged and golds go out of date.
func TestSegments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	l := testLedger(t)
	made := map[fossology.Name]map[segmentGold]bool{}
	for round := range 40 {
		batch := &rows{width: madeWidth}
		var golds []segmentGold
		for i := range 1 + r.IntN(5) {
			g := testGold(l, 100*round+i)
			golds = append(golds, g)
			for range r.IntN(300) {
				n := testName(r, 10)
				if err := batch.made(&Row{Held: true, Of: n}, i); err != nil {
					t.Fatal(err)
				}
				if made[n] == nil {
					made[n] = map[segmentGold]bool{}
				}
				made[n][g] = true
			}
		}
		if err := errors.Join(l.publish(madeFamily, batch, golds), l.merge(t.Context(), madeFamily)); err != nil {
			t.Fatal(err)
		}
		if round%3 == 0 { // one of them is recorded anew, one is gone
			e := l.golds[golds[0].name]
			e.sum++
			l.golds[golds[0].name] = e
			delete(l.golds, golds[len(golds)-1].name)
		}
		checkMade(t, l, made)
	}
	if n := len(l.set.made); n > 8 {
		t.Errorf("%d segments", n)
	}
	files, err := os.ReadDir(l.set.dir)
	if err != nil || len(files) != len(l.set.made) {
		t.Errorf("%d files for %d segments, %v", len(files), len(l.set.made), err)
	}
}

func checkMade(t *testing.T, l *Ledger, made map[fossology.Name]map[segmentGold]bool) {
	t.Helper()
	names := []fossology.Name{}
	for n := range made {
		names = append(names, n)
	}
	slices.SortFunc(names, fossology.Name.Compare)
	j, err := l.join()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		want := 0
		for g := range made[n] {
			if l.proves(g) {
				want++
			}
		}
		got, err := l.makers(n)
		if err != nil || len(got) != want {
			t.Fatalf("%v: %d golds, want %d, %v", n, len(got), want, err)
		}
		halves, _, err := j.at(found{name: n})
		if err != nil || len(halves) != 16*want {
			t.Fatalf("%v: %d golds in order, want %d, %v", n, len(halves)/16, want, err)
		}
	}
}

// TestFind: a beginning finds what begins so.
func TestFind(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	l := testLedger(t)
	batch := &rows{width: madeWidth}
	names := map[fossology.Name]bool{}
	for range 5000 {
		n := testName(r, 30)
		names[n] = true
		batch.made(&Row{Held: true, Of: n}, 0)
	}
	if err := l.publish(madeFamily, batch, []segmentGold{testGold(l, 1)}); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for n := range names {
		if tried++; tried > 100 {
			break
		}
		text := n.String()
		for _, length := range []int{3, 6, 7, 40, 45, len(text)} {
			want := 0
			for m := range names {
				if len(m.String()) >= length && m.String()[:length] == text[:length] {
					want++
				}
			}
			got, err := l.Find(text[:length])
			if err != nil || len(got) != min(want, maxFound) {
				t.Fatalf("%s: %d, want %d, %v", text[:length], len(got), min(want, maxFound), err)
			}
		}
	}
	for _, wrong := range []string{"zz", "x", "0g", "00112233445566778899aabbccddeeff0011223344"} {
		if got, err := l.Find(wrong); err != nil || len(got) > 0 {
			t.Errorf("%s: %v, %v", wrong, got, err)
		}
	}
}

// TestSegmentDamage: no byte of a segment can change, and no end be lost, unnoticed.
func TestSegmentDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	l := testLedger(t)
	batch := &rows{width: madeWidth}
	for range 100 {
		batch.made(&Row{Held: true, Of: testName(r, 30)}, 0)
	}
	if err := l.publish(madeFamily, batch, []segmentGold{testGold(l, 1)}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(l.set.dir, l.set.made[0].name)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	notice := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := openSegment(path, "made-1", madeWidth)
		if err == nil {
			err = s.from(nil, func([]byte) bool { return true })
			s.f.Close()
		}
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewerFormat) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for at := range good {
		bad := slices.Clone(good)
		bad[at] ^= 1 << (at % 8)
		notice(fmt.Sprintf("bit of byte %d", at), bad)
	}
	for n := 0; n < len(good); n += 7 {
		notice(fmt.Sprintf("%d bytes", n), good[:n])
	}
}

// TestSubsets: the name of a record says whether it is out of date, whatever tools
// its gold needed.
func TestSubsets(t *testing.T) {
	now := Unpacker{1, map[string]string{"7z": "26", "file": "5", "fls": ""}}
	for _, some := range [][]string{nil, {"7z"}, {"fls"}, {"7z", "file", "fls"}} {
		id := now.using(some).id()
		if !now.ids()[id] {
			t.Errorf("%v is not of the present", some)
		}
		for _, other := range []Unpacker{{2, now.Tools}, {1, map[string]string{"7z": "27", "file": "5", "fls": ""}},
			{1, map[string]string{"7z": "26", "file": "5", "fls": "4.11"}}} {
			changed := other.Version != 1
			for _, tool := range some {
				changed = changed || other.Tools[tool] != now.Tools[tool]
			}
			if other.ids()[id] == changed {
				t.Errorf("%v of %v is of the present of %v: %v, want %v", some, now, other, !changed, changed)
			}
		}
	}
}
