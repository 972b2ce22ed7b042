package snapshot_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// allGood checks everything that a store promises of its snapshots: they are
// complete, their days show them, every object is what its name says.
func allGood(t testing.TB, in *store.Store) (snapshots int) {
	t.Helper()
	st, err := store.Open(in.Dir()) // so that nothing of a check is left in tmp/
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	list, err := snapshot.List(st, "fossology")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		r, err := verify.Complete(t.Context(), st, "fossology", s.Name, verify.CompleteOptions{})
		if err != nil || !r.Good() {
			t.Fatalf("snapshot %s: %v %+v", s.Name, err, r)
		}
	}
	r, err := verify.Scrub(t.Context(), st, verify.ScrubOptions{Now: time.Now})
	if err != nil || !r.Good() {
		t.Fatalf("scrub: %v %+v", err, r)
	}
	days, _ := filepath.Glob(st.Path("days", "fossology", "2*"))
	forgotten, err := snapshot.ListForgotten(st) // whose days may not have gone yet
	if err != nil {
		t.Fatal(err)
	}
	if len(days) > len(list)+len(forgotten) {
		t.Fatalf("%d days of %d snapshots", len(days), len(list))
	}
	return len(list)
}

// killRounds is how often a run is killed.
const killRounds = 20

// TestTakeVictim is the process that TestTakeKilled kills.
func TestTakeVictim(t *testing.T) {
	repository, dir := os.Getenv("VICTIM_REPOSITORY"), os.Getenv("VICTIM_STORE")
	if repository == "" {
		return // run by itself it has nothing to do
	}
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	o := options(st, repository)
	withDatabase(&o, fossology.DSN(os.Getenv("VICTIM_DSN")), snapshot.DumpMode(os.Getenv("VICTIM_MODE")))
	take(t, o)
}

// A run that is killed at any moment loses nothing: what was visible before
// stays good, the next run completes without help, and leaves no leftovers.
func TestTakeKilled(t *testing.T) {
	repository, dsn := repotest.Repository(t), repotest.Fossology(t)
	st := repotest.Store(t)
	modes := []snapshot.DumpMode{snapshot.DumpPlain, snapshot.DumpDirectory}
	victim := func(round int) *exec.Cmd { return takeVictim(t, repository, st, dsn, modes[round%len(modes)]) }
	var normal time.Duration
	for round := range 2 { // the first run stores everything, the others walk
		os.RemoveAll(st.Path("cache", "fossology.scan"))
		start := time.Now()
		if out, err := victim(round).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		normal = time.Since(start)
	}
	before, killed := allGood(t, st), 0
	random := rand.New(rand.NewPCG(1, 2))
	rounds := 0
	for ; rounds < killRounds || killed < killRounds/4 && rounds < 2*killRounds; rounds++ {
		// New content each time, so that there is something to lose.
		name := filepath.Join(repository, "localhost", "files", "round")
		if err := os.WriteFile(name, []byte(strings.Repeat("x", rounds+1)), 0o600); err != nil {
			t.Fatal(err)
		}
		os.RemoveAll(st.Path("cache", "fossology.scan")) // a long walk
		if late, amid := killAfter(t, victim(rounds), time.Duration(random.Float64()*1.1*float64(normal))); amid {
			killed++
		} else {
			normal = min(normal, late) // the machine had other work when it was measured
		}
		n := allGood(t, st)
		if n != before && n != before+1 {
			t.Fatalf("round %d: %d snapshots, before %d", rounds, n, before)
		}
		before = n
	}
	if killed < killRounds/4 {
		t.Errorf("only %d runs were killed", killed)
	}
	takeAlone(t, repository, st)
	for _, dir := range []string{"days", "snapshots"} {
		if left, _ := filepath.Glob(st.Path(dir, "fossology", ".building*")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
	compareSnapshotWithTree(t, find(t, st, "latest"), repository)
	t.Logf("%d of %d runs were killed, a normal one takes %v", killed, rounds, normal)
}

// killAfter starts a process and kills it after a while: late is how long it had, amid
// whether it was still at work.
func killAfter(t testing.TB, cmd *exec.Cmd, while time.Duration) (late time.Duration, amid bool) {
	t.Helper()
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(while)
	cmd.Process.Kill()
	late = time.Since(start)
	return late, cmd.Wait() != nil
}

func takeVictim(t testing.TB, repository string, st *store.Store, dsn string, mode snapshot.DumpMode) *exec.Cmd {
	return repotest.Again(t, "TestTakeVictim", "VICTIM_REPOSITORY="+repository, "VICTIM_STORE="+st.Dir(), "VICTIM_DSN="+dsn, "VICTIM_MODE="+string(mode))
}

// takeAlone takes a snapshot as a process does that then ends, and nobody else
// is there: tmp/ is empty then.
func takeAlone(t testing.TB, repository string, in *store.Store, with ...func(*snapshot.TakeOptions)) {
	t.Helper()
	st, err := store.Open(in.Dir())
	if err != nil {
		t.Fatal(err)
	}
	o := options(st, repository)
	for _, f := range with {
		f(&o)
	}
	take(t, o)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(st.Path("tmp")); err != nil || len(left) > 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

// A run that is killed while pg_dump fills a directory leaves it; the next run
// removes it.
func TestTakeKilledDumping(t *testing.T) {
	repository, dsn := repotest.Repository(t), repotest.Fossology(t)
	st := repotest.Store(t)
	victim := func() *exec.Cmd { return takeVictim(t, repository, st, dsn, snapshot.DumpDirectory) }
	killWhen(t, victim, st.Path("tmp", "*", "dump-*", "d", "*"))
	takeAlone(t, repository, st)
}

// TestLoadDirectoryVictim is the process that TestLoadKilledDirectory kills.
func TestLoadDirectoryVictim(t *testing.T) {
	dsn, dir := fossology.DSN(os.Getenv("VICTIM_DSN")), os.Getenv("VICTIM_STORE")
	if dsn == "" || os.Getenv("VICTIM_REPOSITORY") != "" {
		return // run by itself it has nothing to do
	}
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	tmp, err := st.TempDir()
	if err != nil {
		t.Fatal(err)
	}
	db, err := fossology.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = snapshot.LoadDatabase(t.Context(), snapshot.LoadOptions{DSN: dsn, Admin: db, Dump: find(t, st, "latest").Manifest.Database, TempDir: tmp,
		Open: func(h store.Hash) (io.ReadCloser, error) { return st.Open(h) }})
	if err != nil {
		t.Fatal(err)
	}
}

// So does a restore that is killed while pg_restore reads a directory.
func TestLoadKilledDirectory(t *testing.T) {
	repository, dsn, pg := repotest.Repository(t), repotest.Fossology(t), repotest.Postgres(t)
	st := repotest.Store(t)
	takeAlone(t, repository, st, func(o *snapshot.TakeOptions) { withDatabase(o, fossology.DSN(dsn), snapshot.DumpDirectory) })
	t.Cleanup(func() {
		for _, name := range databases(t, dbname(dsn)+"_") {
			pg.SQL(t, "postgres", "DROP DATABASE "+name+" WITH (FORCE)")
		}
	})
	victim := func() *exec.Cmd {
		return repotest.Again(t, "TestLoadDirectoryVictim", "VICTIM_DSN="+pg.AdminDSN("postgres"), "VICTIM_STORE="+st.Dir())
	}
	killWhen(t, victim, st.Path("tmp", "*", "load-*", "*"))
	// Between fork and exec a child of the killed process still holds its lock.
	for swept := 0; swept == 0; time.Sleep(time.Millisecond) {
		var err error
		if swept, err = st.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(st.Path("tmp")); err != nil || len(left) > 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

// killWhen starts a process, kills it as soon as a file of that pattern is
// there, and sees that it was left. If the file has come and gone while this
// process was not at its turn, there is another one.
func killWhen(t testing.TB, victim func() *exec.Cmd, pattern string) {
	t.Helper()
	there := func() bool {
		files, _ := filepath.Glob(pattern)
		return len(files) > 0
	}
	for range 20 {
		cmd := victim()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for !there() && len(ended) == 0 {
			time.Sleep(time.Millisecond)
		}
		if len(ended) > 0 {
			if err := <-ended; err != nil {
				t.Fatalf("the run failed before it was killed: %v", err)
			}
			continue
		}
		cmd.Process.Kill()
		<-ended
		if there() {
			return
		}
	}
	t.Fatalf("%s: nothing was left, so this test tests nothing", pattern)
}

// compareSnapshotWithTree restores a snapshot and compares every byte.
func compareSnapshotWithTree(t testing.TB, s *snapshot.Snapshot, repository string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "restored")
	restore(t, s, snapshot.RestoreOptions{To: to})
	compareTrees(t, tree(t, repository, true), tree(t, to, true))
}

// A store's disk may be full at any moment: the run fails with ENOSPC, what
// was visible before stays good, nothing new is visible, and with room again
// the next run completes.
func TestTakeFullDisk(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	for _, limit := range []string{"size", "nr_inodes"} {
		t.Run(limit, func(t *testing.T) { fullDisk(t, limit) })
	}
}

// A smallDisk holds a store with one night; the repository has grown since.
type smallDisk struct {
	st         *store.Store
	repository string
	mount      string
	limit      string // of the file system: "size" or "nr_inodes"
	unit       uint64
	first      uint64 // what the first night uses
}

func newSmallDisk(t testing.TB, limit string) *smallDisk {
	t.Helper()
	d := &smallDisk{repository: repotest.Repository(t), limit: limit}
	d.unit = map[string]uint64{"size": uint64(os.Getpagesize()), "nr_inodes": 1}[limit]
	withoutLarge(t, d.repository)
	later := filepath.Join(t.TempDir(), "files")
	files := filepath.Join(d.repository, "localhost", "files")
	if err := os.Rename(files, later); err != nil { // the first night has gold only
		t.Fatal(err)
	}
	d.mount = repotest.Tmpfs(t, "size=1g,nr_inodes=100000")
	var err error
	if d.st, err = store.Init(t.Context(), filepath.Join(d.mount, "store"), time.Now()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.st.Close() })
	take(t, options(d.st, d.repository))
	if err := os.Rename(later, files); err != nil {
		t.Fatal(err)
	}
	d.first = d.used(t)
	return d
}

// withoutLarge removes files that are not read whole: of such a one a run that
// goes on makes a second copy, before it sees that the store has it. The room
// for that would hide what happens when there is just not enough.
func withoutLarge(t testing.TB, repository string) {
	t.Helper()
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if info, err := d.Info(); err != nil || info.Size() <= 1<<20 {
			return err
		}
		return os.Remove(path)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (d *smallDisk) used(t testing.TB) uint64 {
	t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(d.mount, &s); err != nil {
		t.Fatal(err)
	}
	if d.limit == "size" {
		return (s.Blocks - s.Bfree) * uint64(s.Bsize)
	}
	return s.Files - s.Ffree
}

// leave gives the second night so much room.
func (d *smallDisk) leave(t testing.TB, room uint64) {
	t.Helper()
	options := d.limit + "=" + strconv.FormatUint(d.first+room, 10)
	if err := unix.Mount("tmpfs", d.mount, "tmpfs", unix.MS_REMOUNT, options); err != nil {
		t.Fatalf("remount with %s: %v", options, err)
	}
}

// fullDisk lets the second night fail in large steps, and in the smallest ones
// where it nearly fits, until it does.
func fullDisk(t *testing.T, limit string) {
	rehearsal := newSmallDisk(t, limit)
	take(t, options(rehearsal.st, rehearsal.repository))
	need := rehearsal.used(t) - rehearsal.first
	all, _ := countFiles(t, rehearsal.st.Path("objects"))
	d := newSmallDisk(t, limit)
	failed, late := 0, 0
	const coarse = 8
	for step := uint64(0); ; step++ {
		room := need / coarse * step
		if step >= coarse {
			room = need - 24*d.unit + (step-coarse)*d.unit
		}
		d.leave(t, room)
		_, err := snapshot.Take(t.Context(), options(d.st, d.repository))
		if err == nil {
			break
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("step %d: %v", step, err)
		}
		failed++
		if n, _ := countFiles(t, d.st.Path("objects")); n == all {
			late++
		}
		if n := allGood(t, d.st); n != 1 {
			t.Fatalf("step %d: %d snapshots after a failed run: %v", step, n, err)
		}
		if step > 300 {
			t.Fatalf("it never fits: %v", err)
		}
	}
	if n := allGood(t, d.st); n != 2 || failed < coarse || late == 0 {
		t.Errorf("%d snapshots after %d failures, %d of them with every object stored", n, failed, late)
	}
	compareSnapshotWithTree(t, find(t, d.st, "latest"), d.repository)
	t.Logf("%d runs met a full disk, %d of them after the last object", failed, late)
}

// What a repository may hold besides good files. Each is a finding or is kept,
// none stops the run, and an earlier good copy stays.
func TestTakeOddFiles(t *testing.T) {
	repository := repotest.Repository(t)
	st := repotest.Store(t)
	good := take(t, options(st, repository))
	before := find(t, st, good.Name)
	var victim snapshot.Entry
	for e, err := range before.Entries(t.Context(), "localhost/files") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Size > 1000 {
			victim = e
		}
	}
	damage(t, filepath.Join(repository, victim.Path))
	path := func(name string) string { return filepath.Join(repository, "localhost", "files", name) }
	long := strings.Repeat("é", 126) + "xyz" // 255 bytes
	for _, name := range []string{"new\nline", "caf\xe9", "\U0001F4A9", long, " "} {
		if err := os.WriteFile(path(name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(path("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", path("linkdir")); err != nil {
		t.Fatal(err)
	}
	sparse, err := os.Create(path("sparse"))
	if err == nil {
		err = errors.Join(sparse.Truncate(5<<30), sparse.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	s := take(t, options(st, repository))
	for kind, want := range map[snapshot.FindingKind]int64{snapshot.ContentDiffers: 1, snapshot.SpecialFile: 1, snapshot.LinkedDirectory: 1} {
		if s.FindingCount[kind] != want {
			t.Errorf("%s: %d findings, want %d: %v", kind, s.FindingCount[kind], want, s.First)
		}
	}
	to := filepath.Join(t.TempDir(), "restored")
	restore(t, find(t, st, "latest"), snapshot.RestoreOptions{To: to})
	for _, name := range []string{"new\nline", "caf\xe9", "\U0001F4A9", long, " "} {
		if b, err := os.ReadFile(filepath.Join(to, "localhost", "files", name)); err != nil || string(b) != name {
			t.Errorf("%q: %q, %v", name, b, err)
		}
	}
	var st5 unix.Stat_t
	if err := unix.Stat(filepath.Join(to, "localhost", "files", "sparse"), &st5); err != nil || st5.Size != 5<<30 || st5.Blocks > 1<<15 {
		t.Errorf("sparse file: %d bytes in %d blocks, %v", st5.Size, st5.Blocks, err)
	}
	b, err := os.ReadFile(filepath.Join(to, victim.Path))
	if err != nil || store.Sum(b) != victim.Object {
		t.Errorf("the good copy did not stay: %v", err)
	}
	if again := take(t, options(st, repository)); again.FindingCount[snapshot.ContentDiffers] != 1 {
		t.Errorf("the damage was forgotten the next night: %v", again.FindingCount)
	}
}

// A file that rots in place, with its times unchanged, is found by reading,
// and is not forgotten by the nights that only walk.
func TestTakeRemembersDamage(t *testing.T) {
	repository := repotest.Repository(t)
	st := repotest.Store(t)
	take(t, options(st, repository))
	var name string
	for e, err := range find(t, st, "latest").Entries(t.Context(), "localhost/files") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Size > 1000 {
			name = filepath.Join(repository, e.Path)
		}
	}
	rot(t, name)
	o := options(st, repository)
	o.Detect = snapshot.DetectRead
	for night := range 3 {
		if s := take(t, o); s.FindingCount[snapshot.ContentDiffers] != 1 {
			t.Errorf("night %d: findings %v", night, s.FindingCount)
		}
		o.Detect = snapshot.DetectWalk
	}
}

// rot changes a byte in place and leaves the times as they were.
func rot(t testing.TB, name string) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if err := errors.Join(os.WriteFile(name, b, 0o600), os.Chtimes(name, time.Time{}, info.ModTime())); err != nil {
		t.Fatal(err)
	}
}

// damage rewrites a file with other bytes of the same size, as a failing disk
// and a copy would.
func damage(t testing.TB, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := errors.Join(os.WriteFile(name+"~", b[:len(b)-1], 0o600), os.Rename(name+"~", name)); err != nil {
		t.Fatal(err)
	}
}

// An empty directory, and one that holds something else, are no repository:
// an unmounted disk must not become a snapshot in which everything is gone.
func TestTakeNoRepository(t *testing.T) {
	st := repotest.Store(t)
	for _, dir := range []string{t.TempDir(), st.Dir(), "/nowhere"} {
		var not *fossology.NotRepositoryError
		if _, err := snapshot.Take(t.Context(), options(st, dir)); !errors.As(err, &not) && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestRestoreVictim is the process that TestRestoreKilled kills.
func TestRestoreVictim(t *testing.T) {
	dir, to := os.Getenv("VICTIM_STORE"), os.Getenv("VICTIM_TARGET")
	if to == "" {
		return // run by itself it has nothing to do
	}
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	restore(t, find(t, st, "latest"), snapshot.RestoreOptions{To: to})
}

// A restore that is killed at any moment, again and again, shows no file that is
// not whole, and the last one completes it and leaves nothing of its own.
func TestRestoreKilled(t *testing.T) {
	repository, st := repotest.Repository(t), repotest.Store(t)
	want := tree(t, repository, true)
	take(t, options(st, repository))
	to := filepath.Join(t.TempDir(), "restored")
	start := time.Now()
	restore(t, find(t, st, "latest"), snapshot.RestoreOptions{To: filepath.Join(t.TempDir(), "normal")})
	window := time.Since(start)
	random, killed := rand.New(rand.NewPCG(3, 4)), 0
	for round := range killRounds {
		cmd := repotest.Again(t, "TestRestoreVictim", "VICTIM_STORE="+st.Dir(), "VICTIM_TARGET="+to)
		if _, amid := killAfter(t, cmd, time.Duration(random.Float64()*float64(window))); amid {
			killed++
			window = window * 5 / 4
		} else {
			window = window * 2 / 3 // it goes on where the last one ended, so it takes less and less
		}
		if _, err := os.Stat(to); err != nil {
			continue // it did not come so far
		}
		for path, text := range tree(t, to, false) {
			if _, whole, _ := strings.Cut(want[path], "\n"); whole != text && !strings.HasSuffix(want[path], text) {
				t.Fatalf("round %d: %s is not what it was", round, path)
			}
		}
		if round%3 == 2 {
			os.RemoveAll(to)
		}
	}
	if killed < killRounds/4 {
		t.Errorf("only %d restores were killed", killed)
	}
	restore(t, find(t, st, "latest"), snapshot.RestoreOptions{To: to})
	compareTrees(t, withoutLinkLines(want), withoutLinkLines(tree(t, to, true)))
	err := filepath.WalkDir(to, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), ".repotool-") {
			t.Errorf("left: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
