package snapshot_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// togetherFiles is how many contents come and go in a repository.
const togetherFiles = 120

// TestTogetherWorker is one of the processes of TestKeepTogether. Until its store has a
// file "stop" beside it, it does one thing again and again.
func TestTogetherWorker(t *testing.T) {
	role, dir := os.Getenv("WORKER_ROLE"), os.Getenv("WORKER_DIR")
	if role == "" {
		return // run by itself it has nothing to do
	}
	work := map[string]func(testing.TB, *store.Store, string) error{
		"take-a": takeAgain, "take-b": takeAgain, "rotate": rotateAgain, "forget": forgetAgain, "gc": collectAgain, "restore": restoreAgain, "verify": verifyAgain,
	}[role]
	for n := 0; !exists(filepath.Join(dir, "stop")); n++ {
		st, err := store.Open(filepath.Join(dir, "store")) // as a process of its own would
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(work(t, st, role), st.Close()); err != nil {
			t.Fatalf("%s, round %d: %v", role, n, err)
		}
		fmt.Println("ROUND")
	}
}

// takeAgain takes a snapshot of a repository in which a third of the contents are, each
// time another third: they become garbage, and are needed again.
func takeAgain(t testing.TB, st *store.Store, role string) error {
	repository := filepath.Join(os.Getenv("WORKER_DIR"), role)
	keep(t, repository, "always there")
	for i := range togetherFiles {
		content := fmt.Sprint("content ", i)
		if rand.IntN(3) == 0 {
			keep(t, repository, content)
		} else if err := os.Remove(pathOf(repository, nameOf(content))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	o := options(st, repository)
	o.Installation, o.FullScan = role, true
	o.Layout = []snapshot.Layout{snapshot.LayoutFlat, snapshot.LayoutNone}[rand.IntN(2)]
	s, err := snapshot.Take(t.Context(), o)
	var locked *store.LockedError
	if errors.As(err, &locked) {
		time.Sleep(10 * time.Millisecond)
		return nil // by rotate, or by a process that is dying
	}
	if err == nil && s.Findings() > s.FindingCount[snapshot.ClockBehind]+s.FindingCount[snapshot.ManyGone] {
		err = fmt.Errorf("findings: %v", s.First)
	}
	return err
}

// rotateAgain takes the next snapshot of a cycle of three, of the repository of take-a.
func rotateAgain(t testing.TB, st *store.Store, role string) error {
	repository := filepath.Join(os.Getenv("WORKER_DIR"), role)
	keep(t, repository, "always there")
	keep(t, repository, fmt.Sprint("content ", rand.IntN(togetherFiles)))
	if err := os.Remove(pathOf(repository, nameOf(fmt.Sprint("content ", rand.IntN(togetherFiles))))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	o := rotating(st, repository, "3")
	o.Installation, o.Now = "take-a", time.Now
	s, err := snapshot.Rotate(t.Context(), *o)
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return nil // the other scheme is at it
	}
	time.Sleep(50 * time.Millisecond) // it is the turn of take-a
	if err == nil {
		fmt.Println("CYCLES", len(s.Rotation.Removed))
	}
	return err
}

func forgetAgain(t testing.TB, st *store.Store, _ string) error {
	for _, installation := range []string{"take-a", "take-b"} {
		list, err := snapshot.Candidates(st, installation)
		if err != nil {
			return err
		}
		var names []string
		for i := range max(0, len(list)-2) {
			names = append(names, list[i].Name)
		}
		if _, _, err := snapshot.Forget(t.Context(), st, installation, names); err != nil {
			return err
		}
	}
	_, err := snapshot.EmptyTrash(t.Context(), st)
	return err
}

func collectAgain(t testing.TB, st *store.Store, _ string) error {
	r, err := snapshot.CollectAll(t.Context(), st, snapshot.CollectOptions{Command: "gc"}.WithWindow(1+rand.IntN(200)))
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return nil // by a process that is dying
	}
	if err != nil {
		return err
	}
	fmt.Println("DELETED", r.Deleted.Objects, "RETURNED", r.Returned.Objects)
	return nil
}

// restoreAgain restores the older snapshots, which are those that are forgotten.
func restoreAgain(t testing.TB, st *store.Store, _ string) error {
	installation := []string{"take-a", "take-b"}[rand.IntN(2)]
	s, err := snapshot.Find(st, installation, "latest~"+strconv.Itoa(rand.IntN(3)))
	if err == nil {
		_, err = s.Hold(t.Context(), "restore")
	}
	if errors.Is(err, snapshot.ErrNoSnapshot) || errors.Is(err, fs.ErrNotExist) {
		return nil // not there yet, or forgotten
	}
	if err != nil {
		return err
	}
	to, err := os.MkdirTemp(os.Getenv("WORKER_DIR"), "restored")
	if err != nil {
		return err
	}
	defer os.RemoveAll(to)
	o := snapshot.RestoreOptions{To: to, Findings: new(snapshot.Findings)}
	r, err := s.Restore(t.Context(), o)
	if err == nil && (r.Damaged > 0 || r.Written != s.Manifest.Total().Files || len(o.Findings.First()) > 0) {
		err = fmt.Errorf("%s: %+v of %d files, %v", s.Name(), r, s.Manifest.Total().Files, o.Findings.First())
	}
	fmt.Println("RESTORED")
	return err
}

func verifyAgain(t testing.TB, st *store.Store, _ string) error {
	r, err := verify.All(t.Context(), st, verify.ScrubOptions{}, nil)
	if err == nil && !r.Good() {
		err = fmt.Errorf("%+v", r.Findings)
	}
	return err
}

// Two installations are backed up, old snapshots forgotten, garbage collected, and
// snapshots restored and verified, all at the same time, by processes of which those
// that take and delete are killed now and then. Nothing that is listed ever lacks
// anything. KEEP_SECONDS says how long at least.
func TestKeepTogether(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Init(t.Context(), filepath.Join(dir, "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("WORKER_DIR", dir)
	for _, role := range []string{"take-a", "take-b"} {
		if err := takeAgain(t, st, role); err != nil {
			t.Fatal(err)
		}
	}
	st.Close()
	seconds, err := strconv.Atoi(os.Getenv("KEEP_SECONDS"))
	if err != nil {
		seconds = 4 // make torture takes longer
	}
	workers := map[string]*worker{}
	for _, role := range []string{"take-a", "take-b", "rotate", "forget", "gc", "restore", "verify"} {
		workers[role] = &worker{role: role, dir: dir}
		workers[role].start(t)
	}
	kills, began := 0, time.Now()
	busy := func() bool { return workers["gc"].sum(t, 1) > 0 && workers["restore"].count(t, "RESTORED") > 0 }
	// A machine that is busy with other things gets the time that it takes.
	pause := time.Millisecond
	for end := began.Add(time.Duration(seconds) * time.Second); time.Now().Before(end) || !busy() && time.Since(began) < 10*time.Minute; {
		if time.Now().After(end) { // or it is killed each time before it comes to its end
			pause = pause * 5 / 4
		}
		time.Sleep(time.Duration(200+rand.IntN(600)) * pause)
		w := workers[[]string{"take-a", "take-b", "rotate", "forget", "gc"}[rand.IntN(5)]]
		w.cmd.Process.Kill()
		w.cmd.Wait()
		w.start(t)
		kills++
	}
	write(t, filepath.Join(dir, "stop"), "")
	for role, w := range workers {
		if err := w.cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", role, err, w.output(t))
		}
		w.check(t)
		t.Logf("%s: %d rounds", role, w.count(t, "ROUND"))
	}
	t.Logf("%d kills, %d restored; gc: deleted %d, brought back %d", kills, workers["restore"].count(t, "RESTORED"), workers["gc"].sum(t, 1), workers["gc"].sum(t, 3))
	if restored := workers["restore"].count(t, "RESTORED"); workers["gc"].sum(t, 1) == 0 || restored == 0 {
		t.Errorf("%d restored, nothing deleted, or both: this test tests nothing", restored)
	}
	if st, err = store.Open(st.Dir()); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for range 3 {
		collect(t, st, snapshot.CollectOptions{})
	}
	if err := verifyAgain(t, st, ""); err != nil {
		t.Error(err)
	}
	if left := entriesIn(t, st.Path("quarantine")); len(left) > 0 {
		t.Errorf("left in quarantine: %v", left)
	}
}

// A worker is one of the processes, started again when it was killed.
type worker struct {
	role, dir string
	cmd       *exec.Cmd
	runs      int
}

func (w *worker) log(run int) string {
	return filepath.Join(w.dir, fmt.Sprintf("%s.%d.log", w.role, run))
}

func (w *worker) start(t testing.TB) {
	t.Helper()
	w.runs++
	out, err := os.Create(w.log(w.runs))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w.cmd = repotest.Again(t, "TestTogetherWorker", "WORKER_ROLE="+w.role, "WORKER_DIR="+w.dir)
	w.cmd.Stdout, w.cmd.Stderr = out, out
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

func (w *worker) output(t testing.TB) (all string) {
	t.Helper()
	for run := range w.runs {
		b, err := os.ReadFile(w.log(run + 1))
		if err != nil {
			t.Fatal(err)
		}
		all += string(b)
	}
	return all
}

// check looks for failures of runs that were killed later.
func (w *worker) check(t testing.TB) {
	t.Helper()
	if all := w.output(t); strings.Contains(all, "--- FAIL") {
		t.Errorf("%s failed:\n%s", w.role, all)
	}
}

func (w *worker) count(t testing.TB, word string) int { return strings.Count(w.output(t), word) }

// sum adds up a word of the lines that begin with DELETED.
func (w *worker) sum(t testing.TB, word int) (sum int) {
	t.Helper()
	for line := range strings.Lines(w.output(t)) {
		if words := strings.Fields(line); len(words) > word && words[0] == "DELETED" {
			n, err := strconv.Atoi(words[word])
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}
