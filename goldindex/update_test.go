package goldindex_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/goldindex"
)

// TestGoldDamaged: a gold with one bit turned has a record of its own kind, what came
// out of it alone is residue, and it is not read again before it is replaced.
func TestGoldDamaged(t *testing.T) {
	s := newSite(t)
	name, path := s.gold(t, "11")
	good := turnBit(t, path)
	r := s.update(t)
	if r.Damaged != 1 || r.New != 88 || !strings.Contains(strings.Join(r.First, "\n"), name.String()) {
		t.Errorf("update: %+v", *r)
	}
	st := s.status(t)
	if st.Golds.Damaged != 1 || st.Reasons[goldindex.GoldDamaged].Files != onlyIn(t, "11") {
		t.Errorf("status: %+v, want %d files", *st, onlyIn(t, "11"))
	}
	if r := s.update(t); r.Damaged != 1 || len(s.opened) > 0 {
		t.Errorf("second update: %+v, opened %q", *r, s.opened)
	}
	replace(t, path, good)
	if r := s.update(t); r.Damaged != 0 || r.New != 1 {
		t.Errorf("update after it was mended: %+v", *r)
	}
	if st := s.status(t); st.Reasons[goldindex.GoldDamaged].Files != 0 || st.Golds.Damaged != 0 {
		t.Errorf("status after it was mended: %+v", *st)
	}
	// Cut short it has another size, which is seen without reading it.
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	if r := s.update(t); r.Damaged != 1 {
		t.Errorf("update after it was cut short: %+v", *r)
	}
}

// TestGoldMissing: what only a gold that is gone has made is residue, whatever was
// confirmed before; and no longer when it is back.
func TestGoldMissing(t *testing.T) {
	s := newSite(t)
	s.fill(t)
	before := s.answers(t)
	_, path := s.gold(t, "11")
	aside := path + ".I" // which FOSSology takes for a file that is being copied
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	if r := s.update(t); r.Missing != 1 || r.UpToDate != 88 || len(s.opened) > 0 {
		t.Errorf("update: %+v, opened %q", *r, s.opened)
	}
	st := s.status(t)
	if st.Golds.Missing != 1 || st.Reasons[goldindex.GoldMissing].Files != onlyIn(t, "11") {
		t.Errorf("status: %+v, want %d files", *st, onlyIn(t, "11"))
	}
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	if r := s.update(t); r.Missing != 0 || r.New != 1 || r.Read != 0 {
		t.Errorf("update when it is back: %+v", *r)
	}
	same(t, before, s.answers(t))
}

// TestGoldNotMounted: what is known of the golds of a host stays known while its disk is not
// mounted, and they are not unpacked again when it is.
func TestGoldNotMounted(t *testing.T) {
	s := newSite(t)
	s.fill(t)
	before := s.answers(t)
	_, path := s.gold(t, "11")
	for range 4 { // up from the name
		path = filepath.Dir(path)
	}
	if err := os.Rename(path, path+".elsewhere"); err != nil {
		t.Fatal(err)
	}
	if r := s.update(t); r.Missing != 89 || r.Troubles != 1 {
		t.Errorf("update without gold: %+v", *r)
	}
	if err := os.Mkdir(path, 0o755); err != nil { // the mount point
		t.Fatal(err)
	}
	if r := s.update(t); r.Missing != 89 || r.Troubles != 1 {
		t.Errorf("update with an empty directory for gold: %+v", *r)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".elsewhere", path); err != nil {
		t.Fatal(err)
	}
	if r := s.update(t); r.Missing != 0 || r.New != 0 || r.UpToDate != 89 || r.Read != 0 {
		t.Errorf("update when it is back: %+v", *r)
	}
	same(t, before, s.answers(t))
}

// TestGoldArrives: the files of one gold more, which are looked for one by one, are confirmed
// as those of all golds are, which are walked.
func TestGoldArrives(t *testing.T) {
	all := newSite(t)
	all.fill(t)
	s := newSite(t)
	_, path := s.gold(t, "11")
	aside := path + ".I"
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	s.update(t)
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	if r := s.update(t); r.New != 1 || r.Read < 1 || r.Read > onlyIn(t, "11") || r.Differ != 0 {
		t.Errorf("update: %+v, want %d files", *r, onlyIn(t, "11"))
	}
	same(t, all.answers(t), s.answers(t))
}

// onlyIn counts the contents that no gold but that of one upload makes, without
// those of artifact.meta.
func onlyIn(t *testing.T, upload string) int64 {
	t.Helper()
	gold := map[string]fossology.Name{}
	in := map[fossology.Name]map[fossology.Name]bool{}
	for _, r := range oracle(t) {
		if strings.HasPrefix(r.class, "top-") {
			gold[r.upload] = r.name
		}
		if r.class == "meta" {
			continue
		}
		if in[r.name] == nil {
			in[r.name] = map[fossology.Name]bool{}
		}
		in[r.name][gold[r.upload]] = true
	}
	n := int64(0)
	for _, golds := range in {
		if len(golds) == 1 && golds[gold[upload]] {
			n++
		}
	}
	if n < 3 {
		t.Fatalf("only %d contents are in upload %s alone", n, upload)
	}
	return n
}

// TestFileDiffers: a file of the repository with other bytes than gold makes is told
// of, and never confirmed.
func TestFileDiffers(t *testing.T) {
	s := newSite(t)
	victim := oracle(t)[20]
	path, err := s.repo.Find("files", victim.name.String())
	if err != nil {
		t.Fatal(err)
	}
	s.fill(t)
	s.unread(t)
	good := turnBit(t, path)
	r := s.update(t)
	if r.Differ != 1 || !strings.Contains(strings.Join(r.First, "\n"), path) {
		t.Errorf("update: %+v", *r)
	}
	l := s.open(t)
	if _, ok, err := l.Confirmed(victim.name); ok || err != nil {
		t.Errorf("confirmed: %v, %v", ok, err)
	}
	if st := s.status(t); st.Classes[goldindex.Recorded].Files != 1 {
		t.Errorf("status: %+v", *st)
	}
	replace(t, path, good)
	if r := s.update(t); r.Differ != 0 || r.Read != 1 || r.New != 0 {
		t.Errorf("update after it was mended: %+v", *r)
	}
}

// TestUnpackerChanged: with another version nothing is confirmed until the golds are
// unpacked again, and then without reading files. Another version of a tool
// concerns the golds that needed it.
func TestUnpackerChanged(t *testing.T) {
	s := newSite(t)
	s.fill(t)
	before := s.answers(t)
	s.unpacker.Version++
	if st := s.status(t); st.Classes[goldindex.Confirmed].Files != 0 || st.Golds.Outdated != 89 ||
		st.Classes[goldindex.Recorded].Files != 808 || st.Reasons[goldindex.NotReferenced].Files != 1 { // the one that is in no row
		t.Errorf("status: %+v", *st)
	}
	if _, ok, err := s.open(t).Confirmed(oracle(t)[20].name); ok || err != nil {
		t.Errorf("confirmed: %v, %v", ok, err)
	}
	if r := s.update(t); r.New != 89 || r.Read != 0 {
		t.Errorf("update: %+v", *r)
	}
	same(t, before, s.answers(t))
	s.unpacker.Tools["dpkg-source"] += " or later"
	if r := s.update(t); r.New == 0 || r.New > 20 {
		t.Errorf("update for another dpkg-source: %+v", *r)
	}
	same(t, before, s.answers(t))
}

// TestBudget: what the budget does not reach is left, and counted; the next runs
// come to it.
func TestBudget(t *testing.T) {
	s := newSite(t)
	total := int64(0)
	for runs := 1; ; runs++ {
		l := s.open(t)
		o := s.options(t)
		clock := time.Unix(0, 0)
		o.Parallel = 1
		o.Budget = 80 * time.Second // of a clock that goes a second on at each look
		o.Now = func() time.Time { clock = clock.Add(time.Second); return clock }
		r, err := l.Update(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		total += r.New
		if r.New+r.UpToDate+r.Left != 89 {
			t.Fatalf("update: %+v", *r)
		}
		if r.Left == 0 && r.LeftFiles == 0 {
			if runs < 4 || total != 89 {
				t.Errorf("%d golds in %d runs", total, runs)
			}
			break
		}
		if runs > 40 {
			t.Fatalf("no end: %+v", *r)
		}
	}
	if st := s.status(t); st.Classes[goldindex.Confirmed].Files != 809 {
		t.Errorf("status: %+v", *st)
	}
}

// TestForgotten: a gold that is gone, and that no upload has, is no longer spoken of.
func TestForgotten(t *testing.T) {
	s := newSite(t)
	s.fill(t)
	stray := fossology.Name{Size: 5, SHA1: [20]byte{1}}
	dir := filepath.Join(s.repo.Path, "localhost", "gold", fossology.FanOut(stray.String(), 3))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, stray.String()), []byte("12345"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := s.update(t); r.Golds != 90 || r.Damaged != 1 {
		t.Errorf("update: %+v", *r)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if r := s.update(t); r.Forgotten != 1 || r.Missing != 0 {
		t.Errorf("update: %+v", *r)
	}
	if st := s.status(t); st.Ledger.Records != 89 {
		t.Errorf("status: %+v", *st)
	}
}

// turnBit turns a bit in the middle of a file, whose times stay, and returns what it
// was.
func turnBit(t testing.TB, path string) []byte {
	t.Helper()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := append([]byte(nil), good...)
	bad[len(bad)/2] ^= 4
	replace(t, path, bad)
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	return good
}

// replace makes a new file of a name, as FOSSology does: others may be linked to it.
func replace(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
