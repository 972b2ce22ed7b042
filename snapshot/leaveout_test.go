package snapshot_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// archives are golds, tars, and what they make: a prover and a rebuilder, as simple
// as they can be.
type archives struct {
	mu     sync.Mutex
	makers map[fossology.Name][]snapshot.Gold
	sums   map[fossology.Name]store.Hash
	asked  int
	broken error // of every proof that is looked up
}

func newArchives() *archives {
	return &archives{makers: map[fossology.Name][]snapshot.Gold{}, sums: map[fossology.Name]store.Hash{}}
}

// gold puts a tar into a repository, with the files that it makes, all proven.
func (a *archives) gold(t testing.TB, repository, upload string, contents ...string) (path string) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, c := range contents {
		err := w.WriteHeader(&tar.Header{Name: upload + string(rune('a'+i)), Mode: 0o644, Size: int64(len(c))})
		if _, e := io.WriteString(w, c); err != nil || e != nil {
			t.Fatal(err, e)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	gold := snapshot.Gold{Name: nameOf(b.String()), Upload: upload}
	for _, c := range contents {
		keep(t, repository, c)
		a.makers[nameOf(c)] = append(a.makers[nameOf(c)], gold)
		a.sums[nameOf(c)] = store.Sum([]byte(c))
	}
	path = strings.Replace(pathOf(repository, gold.Name), "/files/", "/gold/", 1)
	write(t, path, b.String())
	return path
}

// Rebuildable implements [snapshot.Prover].
func (a *archives) Rebuildable(n fossology.Name) (snapshot.Proof, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	return snapshot.Proof{Object: a.sums[n], Golds: a.makers[n]}, len(a.makers[n]) > 0 && a.broken == nil, a.broken
}

// Rebuild implements [snapshot.Rebuilder].
func (a *archives) Rebuild(_ context.Context, _ string, from *os.File, wanted []fossology.Name, put func(fossology.Name, io.ReadSeeker) (bool, error)) error {
	r := tar.NewReader(from)
	for {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		b, e := io.ReadAll(r)
		if err := errors.Join(err, e); err != nil {
			return err
		}
		if i := slices.Index(wanted, nameOf(string(b))); i >= 0 {
			taken, err := put(wanted[i], bytes.NewReader(b))
			if err != nil {
				return err
			}
			if taken {
				wanted = slices.Delete(wanted, i, i+1)
			}
		}
	}
}

// golden are the options of a snapshot by the strategy gold.
func golden(st *store.Store, repository string, a *archives) snapshot.TakeOptions {
	o := options(st, repository)
	o.Prover, o.Unpacker = a, "tar of the tests"
	return o
}

// leftOut counts the entries of a snapshot that are left out, and compares that with
// what it says of itself, and each with the store.
func leftOut(t testing.TB, s *snapshot.Snapshot, inStore bool) (n int64) {
	t.Helper()
	sum := snapshot.Totals{}
	for path, e := range held(t, s) {
		if !e.LeftOut() {
			continue
		}
		sum.Files++
		sum.Bytes += e.Size
		if _, err := s.Store.Stat(e.Object); (err == nil) != inStore {
			t.Errorf("%s is left out; in the store: %v", path, err)
		}
	}
	if s.Manifest.LeftOut != sum || s.Summary().LeftOut != sum {
		t.Errorf("the manifest counts %+v, its summary %+v, there are %+v", s.Manifest.LeftOut, s.Summary().LeftOut, sum)
	}
	return sum.Files
}

// rebuilt restores a snapshot into an empty directory and rebuilds the rest.
func rebuilt(t testing.TB, s *snapshot.Snapshot, a *archives) (to string, files *snapshot.RestoreReport, r *snapshot.RebuildReport) {
	t.Helper()
	o := snapshotTo(filepath.Join(t.TempDir(), "restored"))
	files = restore(t, s, o)
	o.Restored = files
	r, err := s.Rebuild(t.Context(), o, a)
	if err != nil {
		t.Fatal(err)
	}
	return o.To, files, r
}

func snapshotTo(dir string) snapshot.RestoreOptions {
	return snapshot.RestoreOptions{To: dir, Findings: new(snapshot.Findings)}
}

// What gold makes is left out, everything else is kept, all is listed; and all comes
// back: bytes, modes, times.
func TestLeaveOut(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	a.gold(t, repository, "one", "made by one", "made by both", "")
	a.gold(t, repository, "two", "made by both", "made by two")
	keep(t, repository, "residue")
	want := tree(t, repository, true)
	sum := take(t, golden(st, repository, a))
	s := find(t, st, "latest")
	if n := leftOut(t, s, false); n != 3 || sum.Strategy != "gold" || sum.Unpacker != "tar of the tests" || sum.Files != 7 {
		t.Fatalf("%d left out; %+v", n, *sum)
	}
	allGood(t, st)
	to, files, r := rebuilt(t, s, a)
	if files.LeftOut != 3 || r.Wanted.Files != 3 || r.Rebuilt != r.Wanted || r.Golds != 2 || r.Lost != 0 {
		t.Errorf("restored %+v, rebuilt %+v", *files, *r)
	}
	compareTrees(t, want, tree(t, to, true))
	again, err := s.Rebuild(t.Context(), snapshotTo(to), a)
	if err != nil || again.Wanted.Files != 0 {
		t.Errorf("rebuilt again: %+v, %v", again, err)
	}
	// Open, which cat uses.
	for path, e := range held(t, s) {
		f, err := s.Open(t.Context(), &e, a, t.TempDir())
		if e.Size == 0 {
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		got, err := io.ReadAll(f)
		f.Close()
		if want, _ := os.ReadFile(filepath.Join(repository, path)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	second := take(t, golden(st, repository, a))
	if second.Read.Files != 0 || second.Added.Files != 0 || leftOut(t, find(t, st, "latest"), false) != 3 {
		t.Errorf("the second snapshot read %+v, added %+v", second.Read, second.Added)
	}
}

// A proof that lapses has its file stored by the next snapshot, also where the walk
// reads no directory; one that comes has it left out, and nothing is read for that.
func TestProofsComeAndGo(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	a.gold(t, repository, "one", "first", "second")
	take(t, golden(st, repository, a))
	time.Sleep(200 * time.Millisecond) // until the walk trusts the directories
	take(t, golden(st, repository, a))
	makers := a.makers[nameOf("first")]
	a.makers[nameOf("first")] = nil
	sum := take(t, golden(st, repository, a))
	if sum.FullScan || sum.DirsRead != 0 || sum.Added.Files != 1 || leftOut(t, find(t, st, "latest"), false) != 1 {
		t.Errorf("the proof lapsed: full scan %v, %d directories read, added %+v", sum.FullScan, sum.DirsRead, sum.Added)
	}
	to, _, _ := rebuilt(t, find(t, st, "latest"), a)
	compareTrees(t, tree(t, repository, true), tree(t, to, true))
	a.makers[nameOf("first")] = makers
	sum = take(t, golden(st, repository, a))
	if sum.Read.Files != 0 || sum.LeftOut.Files != 2 {
		t.Errorf("the proof came: read %+v, left out %+v", sum.Read, sum.LeftOut)
	}
	a.broken = errors.New("the ledger is damaged")
	sum = take(t, golden(st, repository, a))
	if sum.LeftOut.Files != 0 || sum.FindingCount[snapshot.NoProof] != 2 {
		t.Errorf("no proof can be looked up: left out %+v, findings %v", sum.LeftOut, sum.First)
	}
	allGood(t, st)
}

// A file is not left out if the snapshot has not got the gold that makes it: it was
// deleted, or its bytes are wrong. Of several golds one is enough.
func TestLeaveOutNeedsGold(t *testing.T) {
	for _, damage := range []func(string) error{os.Remove, func(path string) error { return os.Truncate(path, 100) }} {
		repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
		gone := a.gold(t, repository, "one", "by one alone", "by both")
		a.gold(t, repository, "two", "by both", "by two alone")
		if err := damage(gone); err != nil {
			t.Fatal(err)
		}
		sum := take(t, golden(st, repository, a))
		if sum.LeftOut.Files != 2 {
			t.Errorf("left out %+v", sum.LeftOut)
		}
		s := find(t, st, "latest")
		for path, e := range held(t, s) {
			if e.LeftOut() && e.Gold.Upload != "two" {
				t.Errorf("%s would be made by %s", path, e.Gold.Upload)
			}
		}
		allGood(t, st)
		to, _, r := rebuilt(t, s, a)
		if r.Lost != 0 {
			t.Errorf("rebuilt %+v", *r)
		}
		for _, content := range []string{"by one alone", "by both", "by two alone"} {
			if b, err := os.ReadFile(pathOf(to, nameOf(content))); err != nil || string(b) != content {
				t.Errorf("%q: %q, %v", content, b, err)
			}
		}
	}
}

// The strategy may change in one store, both ways. Objects that a full snapshot
// stored are used as long as they are there.
func TestChangeOfStrategy(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	a.gold(t, repository, "one", "first", "second")
	want := tree(t, repository, true)
	take(t, options(st, repository))
	time.Sleep(200 * time.Millisecond)
	take(t, options(st, repository))
	sum := take(t, golden(st, repository, a))
	if sum.LeftOut.Files != 2 || sum.Read.Files != 0 || leftOut(t, find(t, st, "latest"), true) != 2 {
		t.Errorf("full to gold: left out %+v, read %+v", sum.LeftOut, sum.Read)
	}
	for c, err := range snapshot.Diff(t.Context(), find(t, st, "latest~1"), find(t, st, "latest")) {
		t.Errorf("changed: %+v, %v", c, err)
	}
	if _, files, r := rebuilt(t, find(t, st, "latest"), a); files.LeftOut != 0 || r.Wanted.Files != 0 {
		t.Errorf("all is in the store, and yet %+v, %+v", *files, *r)
	}
	sum = take(t, options(st, repository))
	if sum.LeftOut.Files != 0 || sum.Read.Files != 0 || sum.Strategy != "full" {
		t.Errorf("gold to full, objects there: %+v", *sum)
	}
	take(t, golden(st, repository, a))
	for _, content := range []string{"first", "second"} {
		h := store.Sum([]byte(content)).String()
		if err := os.Remove(st.Path("objects", h[:2], h)); err != nil {
			t.Fatal(err)
		}
	}
	leftOut(t, find(t, st, "latest"), false)
	sum = take(t, options(st, repository))
	if sum.LeftOut.Files != 0 || sum.Added.Files != 2 || sum.FullScan {
		t.Errorf("gold to full, objects gone: %+v", *sum)
	}
	to := filepath.Join(t.TempDir(), "to")
	restore(t, find(t, st, "latest"), snapshotTo(to))
	compareTrees(t, want, tree(t, to, true))
}

// What an earlier snapshot stored of a file that is left out may have rotted: gold makes it.
func TestRottenLeftover(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	a.gold(t, repository, "one", "first", "second")
	linkTo(t, pathOf(repository, nameOf("first")), hostOf(pathOf(repository, nameOf("first")), "zeta"))
	want := tree(t, repository, true)
	take(t, options(st, repository))
	take(t, golden(st, repository, a))
	h := store.Sum([]byte("first")).String()
	object := st.Path("objects", h[:2], h)
	if err := errors.Join(os.Remove(object), os.WriteFile(object, []byte("fIrst"), 0o444)); err != nil {
		t.Fatal(err)
	}
	s := find(t, st, "latest")
	to, files, r := rebuilt(t, s, a)
	if files.Damaged != 0 || files.Files != 2 || files.LeftOut != 2 || files.LeftSize != 10 || r.Rebuilt.Files != 2 || r.Linked != 1 || r.Lost != 0 {
		t.Errorf("%+v, %+v", *files, *r)
	}
	compareTrees(t, want, tree(t, to, true))
	if files := restore(t, s, snapshotTo(to)); files.Kept != 4 || files.LeftOut != 0 {
		t.Errorf("all is there: %+v", *files)
	}
	for e, err := range s.Entries(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if e.LeftOut() {
			f, err := s.Open(t.Context(), &e, a, t.TempDir())
			if err != nil {
				t.Fatalf("%s: %v", e.Path, err)
			}
			f.Close()
		}
	}
}

// What Restore has just brought, a rebuild does not look at again; what it has not, that
// takes from gold, also if the store has got its bytes meanwhile.
func TestRebuildAfterRestore(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	a.gold(t, repository, "one", "first", "second", "third")
	first := pathOf(repository, nameOf("first"))
	linkTo(t, first, hostOf(first, "zeta"))
	want := tree(t, repository, true)
	take(t, options(st, repository))
	take(t, golden(st, repository, a))
	object := func(content string) string {
		h := store.Sum([]byte(content)).String()
		return st.Path("objects", h[:2], h)
	}
	if err := errors.Join(os.Remove(object("second")), os.Remove(object("third")), os.WriteFile(object("third"), []byte("tHird"), 0o444)); err != nil {
		t.Fatal(err)
	}
	s, o := find(t, st, "latest"), snapshotTo(filepath.Join(t.TempDir(), "to"))
	o.Plan = true
	planned := restore(t, s, o)
	o.Plan = false
	o.Restored = restore(t, s, o)
	if planned.LeftOut != 1 || o.Restored.LeftOut != 2 {
		t.Fatalf("planned %+v, done %+v", *planned, *o.Restored)
	}
	write(t, object("second"), "second")
	write(t, pathOf(o.To, nameOf("first")), "fIrst")
	r, err := s.Rebuild(t.Context(), o, a)
	if err != nil || r.Wanted.Files != 2 || r.Rebuilt != r.Wanted || r.Golds != 1 {
		t.Errorf("%+v, %v", *r, err)
	}
	if b, err := os.ReadFile(pathOf(o.To, nameOf("first"))); string(b) != "fIrst" {
		t.Errorf("it looked at what was there: %q, %v", b, err)
	}
	for _, restored := range []*snapshot.RestoreReport{planned, nil} { // a plan has brought nothing
		write(t, pathOf(o.To, nameOf("first")), "fIrst")
		o.Restored = restored
		if r, err := s.Rebuild(t.Context(), o, a); err != nil || r.Rebuilt.Files != 2 || r.Lost != 0 {
			t.Errorf("%+v, %v", *r, err)
		}
		compareTrees(t, want, tree(t, o.To, true))
	}
}

// Gold that does not make a file any more, or makes other bytes, is a finding; no
// wrong file appears, and what stood there stays. A plan says what would be done.
func TestRebuildFails(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	a.gold(t, repository, "one", "first", "second")
	n := nameOf("claimed")
	keep(t, repository, "claimed")
	a.makers[n], a.sums[n] = a.makers[nameOf("first")], store.Sum([]byte("claimed"))
	take(t, golden(st, repository, a))
	s := find(t, st, "latest")
	o := snapshotTo(filepath.Join(t.TempDir(), "to"))
	o.Plan = true
	if p, err := s.Rebuild(t.Context(), o, nil); err != nil || p.Wanted.Files != 3 || p.Golds != 1 || p.Rebuilt.Files != 0 {
		t.Errorf("plan: %+v, %v", p, err)
	}
	if _, err := os.Stat(o.To); !errors.Is(err, os.ErrNotExist) {
		t.Error("the plan made something")
	}
	if r, err := verify.Complete(t.Context(), st, "fossology", "latest", verify.CompleteOptions{Rebuilder: a}); err != nil || r.Counts[verify.NotRebuilt] != 1 || len(r.Counts) != 1 ||
		r.Rebuild.Wanted.Files != 3 || r.Rebuild.Rebuilt.Files != 2 || r.Rebuild.Lost != 1 || !strings.Contains(r.Findings[0].Detail, "do not come back: 1, of 7 bytes") {
		t.Errorf("verify: %+v, %v", r, err)
	}
	o.Plan = false
	write(t, pathOf(o.To, nameOf("first")), "wrong")
	r, err := s.Rebuild(t.Context(), o, a)
	if err != nil || r.Rebuilt.Files != 2 || r.Lost != 1 || o.Findings.Counts()[snapshot.NotRebuilt] != 1 {
		t.Errorf("%+v, %v, %v", r, err, o.Findings.First())
	}
	if b, _ := os.ReadFile(pathOf(o.To, nameOf("first"))); string(b) != "first" {
		t.Errorf("what was wrong is now %q", b)
	}
	if _, err := os.Stat(pathOf(o.To, n)); !errors.Is(err, os.ErrNotExist) {
		t.Error("there is a file that nothing makes")
	}
}

// Verify misses nothing that was left out, but its gold, if that is not there or
// damaged.
func TestVerifyLeftOut(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	gold := a.gold(t, repository, "one", "first", "second")
	a.gold(t, repository, "two", "third")
	take(t, golden(st, repository, a))
	b, err := os.ReadFile(gold)
	if err != nil {
		t.Fatal(err)
	}
	h := store.Sum(b).String()
	if err := os.Remove(st.Path("objects", h[:2], h)); err != nil {
		t.Fatal(err)
	}
	r, err := verify.Complete(t.Context(), st, "fossology", "latest", verify.CompleteOptions{})
	if err != nil || r.Counts[verify.LeftOutLost] != 1 || r.Counts[verify.ObjectMissing] != 1 {
		t.Fatalf("%v, %+v", err, r)
	}
	for _, f := range r.Findings {
		if f.Kind == verify.LeftOutLost && (f.What != filepath.Base(gold) || !strings.Contains(f.Detail, "2 files of 11 bytes")) {
			t.Errorf("%+v", f)
		}
	}
}

// RESTORE.txt says how gold brings the rest back without repotool, and its commands
// do.
func TestRebuildByHand(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	gold := a.gold(t, repository, "one", "first", "second")
	a.gold(t, repository, "two", "third")
	keep(t, repository, "residue")
	want := tree(t, repository, false)
	s := take(t, golden(st, repository, a))
	to, out := filepath.Join(t.TempDir(), "to"), t.TempDir()
	if o, err := exec.Command(repotest.Tool(t, "tar"), "-xf", gold, "-C", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, o)
	}
	said := runRestoreText(t, st.Path("days", "fossology", s.Name), "PATH="+os.Getenv("PATH"), "REPO="+to, "OUT="+out)
	third, _ := filepath.Rel(repository, pathOf(repository, nameOf("third")))
	if !strings.Contains(said, "NOT REBUILT: "+third) || strings.Count(said, "NOT REBUILT") != 1 {
		t.Errorf("it says %q", said)
	}
	delete(want, third)
	compareTrees(t, want, tree(t, to, false))
}

// TestGoldVictim is the process that TestGoldKilled kills.
func TestGoldVictim(t *testing.T) {
	repository, dir := os.Getenv("VICTIM_GOLD_REPOSITORY"), os.Getenv("VICTIM_GOLD_STORE")
	if repository == "" {
		return // run by itself it has nothing to do
	}
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	a := newArchives()
	for i := range victimGolds {
		a.gold(t, t.TempDir(), victimGold(i), victimContents(i)...)
	}
	take(t, golden(st, repository, a))
}

// victimGolds is how many golds TestGoldKilled has, of victimFiles files each.
const victimGolds, victimFiles = 40, 50

func victimGold(i int) string { return "gold" + strconv.Itoa(i) }

func victimContents(i int) (contents []string) {
	for j := range victimFiles {
		contents = append(contents, fmt.Sprintf("file %d of gold %d", j, i))
	}
	return contents
}

// A run by the strategy gold that is killed at any moment leaves what was there
// before, and the next one completes; what that has all comes back.
func TestGoldKilled(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	for i := range victimGolds {
		a.gold(t, repository, victimGold(i), victimContents(i)...)
		keep(t, repository, fmt.Sprint("residue ", i))
	}
	want := tree(t, repository, true)
	victim := func(st *store.Store) *exec.Cmd {
		return repotest.Again(t, "TestGoldVictim", "VICTIM_GOLD_REPOSITORY="+repository, "VICTIM_GOLD_STORE="+st.Dir())
	}
	start := time.Now()
	if out, err := victim(repotest.Store(t)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	normal, killed := time.Since(start), 0
	const rounds = 8
	for round := 0; round < rounds || killed < rounds/4 && round < 5*rounds; round++ {
		if late, amid := killAfter(t, victim(st), normal*time.Duration(round%rounds+1)/rounds); amid {
			killed++
		} else {
			normal = min(normal, late) // the machine had other work when it was measured
		}
		allGood(t, st)
	}
	if killed < rounds/4 {
		t.Errorf("only %d runs were killed", killed)
	}
	take(t, golden(st, repository, a))
	s := find(t, st, "latest")
	if n := leftOut(t, s, false); n != victimGolds*victimFiles {
		t.Errorf("%d files are left out", n)
	}
	allGood(t, st)
	to, _, _ := rebuilt(t, s, a)
	compareTrees(t, want, tree(t, to, true))
}

// What was left out yesterday is stored tonight if its gold is gone, or if neither store
// nor repository have it intact; and it is left out again when there is gold again.
func TestGoldGoesAtNight(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, st *store.Store, gold string, content []byte){
		"deleted": func(t *testing.T, _ *store.Store, gold string, _ []byte) {
			if err := os.Remove(gold); err != nil {
				t.Fatal(err)
			}
		},
		"damaged, and lost in the store": func(t *testing.T, st *store.Store, gold string, content []byte) {
			write(t, gold, strings.Repeat("x", len(content)))
			h := store.Sum(content).String()
			if err := os.Remove(st.Path("objects", h[:2], h)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, layout := range []snapshot.Layout{snapshot.LayoutFlat, snapshot.LayoutNone} {
			t.Run(fmt.Sprint(name, " ", layout), func(t *testing.T) {
				repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
				gold := a.gold(t, repository, "one", "first", "second")
				a.gold(t, repository, "two", "second", "third")
				b, err := os.ReadFile(gold)
				if err != nil {
					t.Fatal(err)
				}
				full := false
				night := func() *snapshot.Summary {
					o := golden(st, repository, a)
					o.Layout, o.FullScan = layout, full
					return take(t, o)
				}
				night()
				time.Sleep(200 * time.Millisecond)
				if sum := night(); sum.LeftOut.Files != 3 {
					t.Fatalf("left out %+v", sum.LeftOut)
				}
				spoil(t, st, gold, b)
				if sum := night(); sum.LeftOut.Files != 2 || sum.Added.Files != 1 {
					t.Errorf("without the gold: left out %+v, added %+v", sum.LeftOut, sum.Added)
				}
				s := find(t, st, "latest")
				to := snapshotTo(filepath.Join(t.TempDir(), "to"))
				restore(t, s, to)
				if r, err := s.Rebuild(t.Context(), to, a); err != nil || r.Lost != 0 {
					t.Errorf("rebuilt %+v, %v", r, err)
				}
				for _, content := range []string{"first", "second", "third"} {
					if got, err := os.ReadFile(pathOf(to.To, nameOf(content))); err != nil || string(got) != content {
						t.Errorf("%q: %q, %v", content, got, err)
					}
				}
				if err := os.Remove(gold); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				write(t, gold, string(b))
				full = layout == snapshot.LayoutNone // without a day, only that meets a lost object
				night()
				if sum := night(); sum.LeftOut.Files != 3 {
					t.Errorf("with the gold again: left out %+v", sum.LeftOut)
				}
				if r, err := verify.Complete(t.Context(), st, "fossology", "latest", verify.CompleteOptions{Read: true, Rebuilder: a}); err != nil || !r.Good() {
					t.Errorf("verify: %+v, %v", r, err)
				}
			})
		}
	}
}
