package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

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

// faultyDisk is the target of a rebuild whose disk takes nothing, or so many files only.
type faultyDisk struct{ takes int }

func (d *faultyDisk) wants(context.Context, *Entry) (bool, bool) { return true, false }
func (d *faultyDisk) gold(*Entry) *os.File                       { return nil }
func (d *faultyDisk) missed(*Entry, string)                      {}

func (d *faultyDisk) put(context.Context, *Entry, io.ReadSeeker) error {
	if d.takes--; d.takes < 0 {
		return fmt.Errorf("write: %w", unix.EIO)
	}
	return nil
}

// faultySpool is a content that cannot be read again.
type faultySpool struct{}

func (faultySpool) Read([]byte) (int, error)       { return 0, unix.EIO }
func (faultySpool) Seek(int64, int) (int64, error) { return 0, nil }

// oneContent makes everything that is wanted of one content.
type oneContent struct{ io.ReadSeeker }

func (c oneContent) Rebuild(_ context.Context, _ string, _ *os.File, wanted []fossology.Name, put func(fossology.Name, io.ReadSeeker) (bool, error)) error {
	for _, n := range wanted {
		if _, err := put(n, c); err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
	}
	return nil
}

// A disk that does not take what gold makes, or does not give it back, is no fault of the
// gold's: the rebuild ends, and no file is passed over in silence. That goes for one that
// proves, too.
func TestRebuildFaultyDisk(t *testing.T) {
	st, err := store.Init(t.Context(), t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	put, err := st.NewWriter().PutBytes(t.Context(), []byte("gold"))
	if err != nil {
		t.Fatal(err)
	}
	of := fossology.Name{Size: 4}
	name := fossology.Name{Size: 1}
	var list []Entry
	for _, host := range []string{"alpha", "beta"} {
		list = append(list, Entry{Path: string(appendCanonical(nil, host+"/files", name, 3)), Size: 1, Gold: Gold{of, "upload"}})
	}
	for _, c := range []struct {
		what    string
		to      rebuildTarget
		content io.ReadSeeker
		files   int64
	}{
		{"target", &faultyDisk{}, strings.NewReader("x"), 0},
		{"target, later", &faultyDisk{takes: 1}, strings.NewReader("x"), 1},
		{"proof", proof(func(*Entry, string) {}), faultySpool{}, 0},
	} {
		b := &rebuild{Snapshot: &Snapshot{Store: st, Manifest: &Manifest{Depth: 3}}, from: oneContent{c.content}, to: c.to,
			progress: new(Progress), golds: map[fossology.Name]Entry{of: {Object: put.Object, Size: 4}}}
		err := b.gold(t.Context(), Gold{of, "upload"}, list)
		if !errors.Is(err, unix.EIO) || b.files.Load() != c.files || b.lost.Load() != 0 {
			t.Errorf("%s: %v; %d files, %d lost", c.what, err, b.files.Load(), b.lost.Load())
		}
	}
}
