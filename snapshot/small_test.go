package snapshot_test

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// nameOf is the Name of a content.
func nameOf(content string) fossology.Name {
	b := []byte(content)
	return fossology.Name{SHA1: sha1.Sum(b), MD5: md5.Sum(b), Size: int64(len(b))}
}

// pathOf is where a repository keeps a Name.
func pathOf(repository string, n fossology.Name) string {
	s := n.String()
	return filepath.Join(repository, "localhost", "files", s[:2], s[2:4], s[4:6], s)
}

// keep writes a content into a repository, under its own Name.
func keep(t testing.TB, repository, content string) (path string) {
	t.Helper()
	path = pathOf(repository, nameOf(content))
	write(t, path, content)
	return path
}

func write(t testing.TB, path, content string) {
	t.Helper()
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

// held is what a snapshot holds, by path.
func held(t testing.TB, s *snapshot.Snapshot) map[string]snapshot.Entry {
	t.Helper()
	all := map[string]snapshot.Entry{}
	for e, err := range s.Entries(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == snapshot.File {
			all[e.Path] = e
		}
	}
	return all
}

// A file whose SHA-1 and size are right may have a Name that lies about the
// MD5: only the full check reads so much.
func TestTakeCheckMD5(t *testing.T) {
	for _, full := range []bool{false, true} {
		repository, st := t.TempDir(), repotest.Store(t)
		keep(t, repository, "good")
		n := nameOf("lies")
		n.MD5[3] ^= 1
		write(t, pathOf(repository, n), "lies")
		o := options(st, repository)
		o.CheckMD5 = full
		s := take(t, o)
		if want := map[bool]int64{true: 1}[full]; s.FindingCount[snapshot.ContentDiffers] != want || s.Files != 2-want {
			t.Errorf("full %v: findings %v, %d files", full, s.FindingCount, s.Files)
		}
	}
}

// A new file whose content is not that of its Name is nowhere in the store:
// not in the manifest, not in a day, not as an object; no less where FOSSology
// would not put that Name.
func TestTakeNewFileIsWrong(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	keep(t, repository, "good")
	wrong := pathOf(repository, nameOf("what it was"))
	write(t, wrong, "what it is!")
	misplaced := filepath.Join(repository, "localhost", "files", "zz", "zz", "zz")
	write(t, filepath.Join(misplaced, filepath.Base(wrong)), "what it is!")
	write(t, filepath.Join(misplaced, nameOf("good").String()), "good")
	s := take(t, options(st, repository))
	if s.FindingCount[snapshot.ContentDiffers] != 2 || s.Files != 2 {
		t.Errorf("findings %v, %d files", s.FindingCount, s.Files)
	}
	if _, err := st.Stat(store.Sum([]byte("what it is!"))); !errors.Is(err, store.ErrNoObject) {
		t.Errorf("object: %v", err)
	}
	if days, _ := filepath.Glob(st.Path("days", "fossology", "*", "localhost", "files", "*", filepath.Base(wrong))); len(days) > 0 {
		t.Errorf("in days: %v", days)
	}
	if got := held(t, find(t, st, "latest")); len(got) != 2 {
		t.Errorf("manifest: %v", got)
	}
}

// Snapshots answer to their time, to a beginning of it that is theirs alone,
// and to how far back they are.
func TestFindByReference(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	keep(t, repository, "good")
	for _, at := range []string{"2026-11-22T020000Z", "2026-11-23T020000Z", "2026-11-23T140000Z"} {
		o := options(st, repository)
		o.Now = func() time.Time { now, _ := time.Parse(snapshot.TimeFormat, at); return now }
		take(t, o)
	}
	for ref, want := range map[string]string{
		"2026-11-22T020000Z": "2026-11-22T020000Z",
		"2026-11-22":         "2026-11-22T020000Z",
		"2026-11-23T1":       "2026-11-23T140000Z",
		"latest":             "2026-11-23T140000Z",
		"latest~0":           "2026-11-23T140000Z",
		"latest~2":           "2026-11-22T020000Z",
		"latest~3":           "",
		"latest~":            "",
		"latest~-1":          "",
		"latest1":            "",
		"2026-11-23":         "", // two begin like that
		"2025":               "",
		"":                   "",
	} {
		s, err := snapshot.Find(st, "fossology", ref)
		switch {
		case want == "" && !errors.Is(err, snapshot.ErrNoSnapshot):
			t.Errorf("%q: %v, %v", ref, s, err)
		case want != "" && (err != nil || s.Name() != want):
			t.Errorf("%q: %v, want %s", ref, err, want)
		}
	}
}

// Damaged objects stop nothing: their files are findings and are not written,
// what is there, right or not, stays as it is, and the rest comes back.
func TestRestoreDamagedObjects(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	contents := []string{"flipped", "truncated", "longer", "missing", "good"}
	paths := map[string]string{}
	for _, c := range contents {
		paths[c], _ = filepath.Rel(repository, keep(t, repository, c))
	}
	take(t, options(st, repository))
	for c, bad := range map[string]string{"flipped": "fliqqed", "truncated": "trunc", "longer": "longer and longer", "missing": ""} {
		h := store.Sum([]byte(c)).String()
		object := st.Path("objects", h[:2], h)
		err := os.Remove(object)
		if c != "missing" {
			err = errors.Join(err, os.WriteFile(object, []byte(bad), 0o444))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	bad := []string{"flipped", "truncated", "missing"} // of the longer one the beginning is what was kept
	there := filepath.Join(t.TempDir(), "there")
	for _, c := range bad {
		write(t, filepath.Join(there, paths[c]), "of another kind")
	}
	write(t, filepath.Join(there, paths["flipped"]), "flipped") // right already
	for to, damaged := range map[string]int64{filepath.Join(t.TempDir(), "empty"): 3, there: 2} {
		o := snapshot.RestoreOptions{To: to, Findings: new(snapshot.Findings)}
		r := restore(t, find(t, st, "latest"), o)
		if r.Damaged != damaged || o.Findings.Counts()[snapshot.ObjectLost] != damaged {
			t.Errorf("%s: %+v, findings %v", to, r, o.Findings.First())
		}
		for _, c := range contents {
			got, err := os.ReadFile(filepath.Join(to, paths[c]))
			want := c
			switch {
			case to == there && (c == "truncated" || c == "missing"):
				want = "of another kind"
			case to != there && slices.Contains(bad, c):
				if !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s was restored: %q, %v", c, got, err)
				}
				continue
			}
			if err != nil || string(got) != want {
				t.Errorf("%s in %s: %q, %v, want %q", c, filepath.Base(to), got, err, want)
			}
		}
	}
}

// asNobody makes the rest of this process one without rights, in a directory of
// its own. Only a process that runs a single test may do that; as an ordinary
// user it is one already.
func asNobody(t testing.TB) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Geteuid() != 0 {
		return dir
	}
	const nobody = 65534
	err = errors.Join(os.Chown(dir, nobody, nobody), syscall.Setgroups(nil),
		syscall.Setresgid(nobody, nobody, nobody), syscall.Setresuid(nobody, nobody, nobody))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// storeIn makes a store in a directory of asNobody.
func storeIn(t testing.TB, dir string) *store.Store {
	t.Helper()
	st, err := store.Init(t.Context(), filepath.Join(dir, "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// What cannot be read is a finding; what is known of it, and of everything
// below it, stays.
func TestTakeUnreadable(t *testing.T) {
	if !repotest.Alone(t, nil) {
		return
	}
	dir := asNobody(t)
	repository, st := filepath.Join(dir, "repository"), storeIn(t, dir)
	file, below := keep(t, repository, "a file"), keep(t, repository, "below a directory")
	keep(t, repository, "good")
	take(t, options(st, repository))
	want := held(t, find(t, st, "latest"))
	closed := filepath.Dir(filepath.Dir(below))
	never := keep(t, repository, "never read")
	for _, path := range []string{file, closed, never} {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(path, 0o755)
	}
	o := options(st, repository)
	o.Detect = snapshot.DetectRead
	s := take(t, o)
	if s.FindingCount[snapshot.Unreadable] != 3 {
		t.Errorf("findings %v: %v", s.FindingCount, s.First)
	}
	got := held(t, find(t, st, "latest"))
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	for path, e := range want {
		if got[path].Object != e.Object {
			t.Errorf("%s: %v, want %v", path, got[path].Object, e.Object)
		}
	}
}

// An owner that cannot be set is told and does not stop a restore.
func TestRestoreWithoutRights(t *testing.T) {
	if !repotest.Alone(t, nil) {
		return
	}
	dir := asNobody(t)
	repository, st := filepath.Join(dir, "repository"), storeIn(t, dir)
	path := keep(t, repository, "good")
	take(t, options(st, repository))
	// As if it had been somebody else's: the owner is all that differs.
	s := find(t, st, "latest")
	s.Manifest.DirMode.UID++
	o := snapshot.RestoreOptions{To: filepath.Join(dir, "restored"), Findings: new(snapshot.Findings)}
	r := restore(t, s, o)
	if r.Written != 1 || r.Foreign == 0 || o.Findings.Counts()[snapshot.OwnerNotSet] == 0 {
		t.Errorf("%+v, findings %v", r, o.Findings.First())
	}
	rel, _ := filepath.Rel(repository, path)
	if b, err := os.ReadFile(filepath.Join(o.To, rel)); err != nil || string(b) != "good" {
		t.Errorf("%q, %v", b, err)
	}
	o.NoOwner = true
	o.To += "2"
	o.Findings = new(snapshot.Findings)
	if r := restore(t, s, o); r.Foreign != 0 {
		t.Errorf("without owners: %+v, findings %v", r, o.Findings.First())
	}
}

// A run that was killed while it moved "current" leaves a symbolic link, which
// the next one clears up like anything else.
func TestTakeAfterKilledPublish(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	keep(t, repository, "good")
	take(t, options(st, repository))
	left := st.Path("days", "fossology", ".building-current")
	if err := os.Symlink("2026-11-23T020000Z", left); err != nil {
		t.Fatal(err)
	}
	s := take(t, options(st, repository))
	if to, err := os.Readlink(st.Path("days", "fossology", "current")); err != nil || to != s.Name {
		t.Errorf("current: %s, %v, want %s", to, err, s.Name)
	}
	if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left: %v", err)
	}
}

// A log grows in place, which its directory does not show: what it gained
// between the scan and the standstill, and from one night to the next, is kept.
func TestTakeGrowingLog(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	keep(t, repository, "good")
	log := filepath.Join(repository, "logs", "00", "00", "01", "000001")
	write(t, log, "one\n")
	grow := func() {
		f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString("more\n")
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			t.Error(err)
		}
	}
	o := options(st, repository)
	o.Quiesce = func(context.Context) (func(context.Context) (snapshot.Standstill, error), error) {
		grow()
		return func(context.Context) (snapshot.Standstill, error) { return snapshot.Standstill{}, nil }, nil
	}
	for night := range 3 {
		time.Sleep(2 * time.Millisecond)
		s := take(t, o)
		info, err := os.Stat(log)
		if err != nil {
			t.Fatal(err)
		}
		if got := held(t, find(t, st, s.Name))["logs/00/00/01/000001"].Size; got != info.Size() {
			t.Errorf("night %d: %d bytes, want %d", night, got, info.Size())
		}
		grow()
		time.Sleep(200 * time.Millisecond) // long enough for the short cut to trust directories
	}
}

// What stands in the way of a restore is told, and stops nothing else. A file
// in the place of a link, and the other way round, is replaced.
func TestRestoreInTheWay(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	file, below := keep(t, repository, "a file"), keep(t, repository, "in a directory")
	good := keep(t, repository, "good")
	link := filepath.Join(repository, "localhost", "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	take(t, options(st, repository))
	to := t.TempDir()
	at := func(path string) string { rel, _ := filepath.Rel(repository, path); return filepath.Join(to, rel) }
	write(t, filepath.Join(at(file), "of somebody"), "else")
	write(t, filepath.Dir(at(below)), "a file")
	write(t, at(link), "a file")
	write(t, filepath.Join(filepath.Dir(at(good)), ".repotool-"+filepath.Base(good)+".I"), "half of it")
	write(t, at(good), "bad")
	o := snapshot.RestoreOptions{To: to, Findings: new(snapshot.Findings)}
	r := restore(t, find(t, st, "latest"), o)
	if n := o.Findings.Counts()[snapshot.InTheWay]; n != 2 || r.Replaced != 2 || r.Written != 0 {
		t.Errorf("%d in the way, %+v: %v", n, r, o.Findings.First())
	}
	if b, err := os.ReadFile(filepath.Join(at(file), "of somebody")); err != nil || string(b) != "else" {
		t.Errorf("what was in the way: %q, %v", b, err)
	}
	if b, err := os.ReadFile(at(good)); err != nil || string(b) != "good" {
		t.Errorf("%q, %v", b, err)
	}
	if target, err := os.Readlink(at(link)); err != nil || target != "nowhere" {
		t.Errorf("link: %q, %v", target, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(at(good)), ".*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A repository that has lost most of its files, as by a wrong path, is a finding; one
// that has lost fewer is not, and neither is a small one.
func TestTakeManyGone(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	for i := range 250 {
		keep(t, repository, fmt.Sprint(i))
	}
	take(t, options(st, repository))
	left := 250
	for _, test := range []struct {
		gone int
		want int64
	}{{120, 0}, {70, 1}, {50, 0}} {
		for range test.gone {
			left--
			if err := os.Remove(pathOf(repository, nameOf(fmt.Sprint(left)))); err != nil {
				t.Fatal(err)
			}
		}
		if s := take(t, options(st, repository)); s.FindingCount[snapshot.ManyGone] != test.want {
			t.Errorf("%d gone, %d left: %+v", test.gone, left, s.First)
		}
	}
}
