package snapshot

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"repotool/fossology"
	"repotool/store"
)

// Shelves give back what was put on them, gold by gold, of any number of files: more than
// there is room for in memory, of a gold that has more than a shelf, and in odd places; also
// if the disk takes no more of them at some time.
func TestShelves(t *testing.T) {
	for _, full := range []bool{false, true} {
		t.Run(fmt.Sprint("full disk ", full), func(t *testing.T) { testShelves(t, full) })
	}
}

func testShelves(t *testing.T, full bool) {
	st, err := store.Init(t.Context(), t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	files := []int64{1, 30_000, 0, 70_000, 20_000, 20_000, 20_000}
	var golds []Gold
	by, want := map[Gold]Totals{}, map[Gold][]Entry{}
	for i, n := range files {
		g := Gold{fossology.Name{Size: int64(i + 1)}, fmt.Sprint("upload ", i)}
		golds = append(golds, g)
		by[g] = Totals{Files: n}
	}
	s := newShelves(st, 3, golds, by)
	defer s.close()
	if len(s.all) != 4 { // 1 and 30,000; 70,000; 40,000; 20,000
		t.Errorf("%d shelves", len(s.all))
	}
	for k := range int64(70_000) {
		if full && k == 10_000 {
			fillUp(t, s)
		}
		for i, g := range golds {
			if k >= files[i] {
				continue
			}
			name := fossology.Name{SHA1: [20]byte{byte(k >> 8), byte(k), byte(i)}, Size: k}
			e := Entry{Path: fmt.Sprintf("localhost/files/%s/%s", fossology.FanOut(name.String(), 3), name), Mode: 0o640,
				UID: uint32(k % 3), Mtime: k, Size: k, Object: store.Sum([]byte{byte(k)}), Gold: g, Gone: k%5 == 0, Inode: uint64(k % 7)}
			if k%1000 == 1 {
				e.Path = fmt.Sprintf("localhost/files/odd\xff/%d/%d", k, i)
			}
			want[g] = append(want[g], e)
			s.add(&e)
		}
	}
	s.add(&Entry{Path: "of no such gold", Gold: Gold{fossology.Name{Size: 99}, "x"}})
	if s.f == nil {
		t.Error("all is in memory")
	}
	got := map[Gold][]Entry{}
	for _, one := range s.all {
		part, err := s.take(one)
		if err != nil {
			t.Fatal(err)
		}
		for g, list := range part {
			got[g] = list
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(Entry{}, Gold{})); diff != "" {
		t.Errorf("(-put +taken)\n%.2000s", diff)
	}
	if left, err := os.ReadDir(st.Path("tmp")); err != nil || len(left) > 1 { // this process's directory
		t.Errorf("left %v, %v", left, err)
	}
}

// fillUp has the file of shelves take no more: what was written can be read.
func fillUp(t *testing.T, s *shelves) {
	t.Helper()
	f, err := os.Open(fmt.Sprint("/proc/self/fd/", s.f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	s.f.Close()
	s.f = f
}
