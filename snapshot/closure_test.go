package snapshot_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// withDatabase has the database dumped and compared with the files.
func withDatabase(o *snapshot.TakeOptions, dsn fossology.DSN, mode snapshot.DumpMode) {
	o.Dump = &snapshot.DumpOptions{DSN: dsn, Mode: mode}
	o.View = func(ctx context.Context) (*snapshot.View, error) {
		db, err := fossology.Connect(ctx, dsn)
		if err != nil {
			return nil, err
		}
		db.LockTimeout = o.Dump.LockTimeout
		v, err := db.View(ctx)
		if err != nil {
			return nil, err
		}
		c, err := v.Counts(ctx)
		return &snapshot.View{References: v, SnapshotID: v.SnapshotID,
			Rows:  map[string]int64{"upload": c.Upload, "pfile": c.Pfile, "uploadtree": c.Uploadtree, "jobqueue": c.Jobqueue},
			Close: func() { v.Close(); db.Close(context.WithoutCancel(ctx)) }}, err
	}
}

// takeWith takes a snapshot with the closure check and returns all findings,
// as they are recorded, without their details.
func takeWith(t testing.TB, st *store.Store, repository, dsn string) []string {
	t.Helper()
	o := options(st, repository)
	withDatabase(&o, fossology.DSN(dsn), snapshot.DumpNone)
	s := take(t, o)
	found := recorded(t, st, s)
	if int64(len(found)) != s.Findings() {
		t.Errorf("%d findings are recorded, %v counted", len(found), s.FindingCount)
	}
	return found
}

// recorded reads the findings that lie beside a snapshot.
func recorded(t testing.TB, st *store.Store, s *snapshot.Summary) (found []string) {
	t.Helper()
	b, err := os.ReadFile(st.Path("snapshots", "fossology", s.Name, "findings.jsonl"))
	if err != nil && s.Findings() > 0 {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var f snapshot.Finding
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		found = append(found, string(f.Kind)+" "+f.Path)
	}
	return found
}

// pathIn is where a name stands in a repository.
func pathIn(repository, host, typ, name string) string {
	return filepath.Join(repository, host, typ, fossology.FanOut(name, 3), name)
}

func move(t testing.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o770); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// The closure check finds, at the time of the snapshot and to the file, what
// the database refers to and is not there, and what is there without a row:
// on one host, and where the files are spread over two and some are on both.
func TestClosure(t *testing.T) {
	for _, hosts := range []int{1, 2} {
		t.Run(fmt.Sprint(hosts), func(t *testing.T) {
			repository, dsn, pg := repotest.Repository(t), repotest.Fossology(t), repotest.Postgres(t)
			const name = `lower(pfile_sha1) || '.' || lower(pfile_md5) || '.' || pfile_size`
			all := strings.Fields(pg.SQL(t, dbname(dsn), `SELECT `+name+` FROM pfile ORDER BY 1`))
			golds := strings.Fields(pg.SQL(t, dbname(dsn), `SELECT DISTINCT `+name+` FROM pfile JOIN upload ON pfile_pk = pfile_fk
				WHERE expire_action IS DISTINCT FROM 'd' ORDER BY 1`))
			host := func(i int) string { return "localhost" }
			if hosts == 2 {
				host = func(i int) string { return []string{"another", "localhost"}[i%2] }
				for i, n := range all {
					from := pathIn(repository, "localhost", "files", n)
					to := pathIn(repository, host(i), "files", n)
					if i%10 == 1 { // this one on both
						if err := os.MkdirAll(filepath.Dir(pathIn(repository, "another", "files", n)), 0o770); err != nil {
							t.Fatal(err)
						}
						if err := os.Link(from, pathIn(repository, "another", "files", n)); err != nil {
							t.Fatal(err)
						}
					}
					move(t, from, to)
				}
				for i, n := range golds {
					move(t, pathIn(repository, "localhost", "gold", n), pathIn(repository, host(i), "gold", n))
				}
			}
			st := repotest.Store(t)
			if found := takeWith(t, st, repository, dsn); len(found) > 0 {
				t.Fatalf("findings in a good repository: %v", found)
			}

			var want, vanished []string // without and with an earlier snapshot that has the bytes
			lose := func(i int) {
				want = append(want, "no-file files/"+all[i])
				rel, err := filepath.Rel(repository, pathIn(repository, host(i), "files", all[i]))
				if err != nil {
					t.Fatal(err)
				}
				vanished = append(vanished, "vanished "+rel)
			}
			for _, i := range []int{4, 5, len(all) - 1} { // on either host, and the last
				if i%10 == 1 && hosts == 2 {
					t.Fatal("the test removes one that is on both hosts")
				}
				os.Remove(pathIn(repository, host(i), "files", all[i]))
				lose(i)
			}
			os.Remove(pathIn(repository, "localhost", "files", all[11])) // on both: one is enough
			if hosts == 1 {
				lose(11)
			}
			lost := len(want)
			for _, i := range []int{0, 1} {
				os.Remove(pathIn(repository, host(i), "gold", golds[i]))
				want = append(want, "no-gold gold/"+golds[i])
				content := []byte{'n', 'e', 'w', byte('0' + i)}
				n := fmt.Sprintf("%x.%x.%d", sha1.Sum(content), md5.Sum(content), len(content))
				path := pathIn(repository, host(i), "files", n)
				if err := os.MkdirAll(filepath.Dir(path), 0o770); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, content, 0o660); err != nil {
					t.Fatal(err)
				}
				want = append(want, "no-row files/"+n)
			}
			time.Sleep(100 * time.Millisecond) // what has just arrived may wait for its row
			for in, want := range map[*store.Store][]string{st: append(vanished, want[lost:]...), repotest.Store(t): want} {
				found := takeWith(t, in, repository, dsn)
				slices.Sort(want)
				slices.Sort(found)
				if d := cmp.Diff(want, found); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// A row that holds no checksums is a finding, and the rest is compared all the
// same: also behind it, and if it is that of an upload.
func TestClosureBadRow(t *testing.T) {
	repository, dsn, pg := repotest.Repository(t), repotest.Fossology(t), repotest.Postgres(t)
	const name = `lower(pfile_sha1) || '.' || lower(pfile_md5) || '.' || pfile_size`
	rows := strings.Fields(pg.SQL(t, dbname(dsn), `WITH bad AS (SELECT pfile_pk, `+name+` AS name, lower(pfile_md5) || '.' || pfile_size AS rest FROM pfile
			WHERE pfile_pk = (SELECT min(pfile_fk) FROM upload WHERE pfile_fk IS NOT NULL AND expire_action IS DISTINCT FROM 'd'))
		UPDATE pfile SET pfile_sha1 = 'none' FROM bad WHERE bad.pfile_pk = pfile.pfile_pk RETURNING name || ' ' || rest`))
	last := pg.SQL(t, dbname(dsn), `SELECT `+name+` FROM pfile WHERE pfile_sha1 <> 'none' ORDER BY 1 DESC LIMIT 1`)
	os.Remove(pathIn(repository, "localhost", "files", last))
	found := takeWith(t, repotest.Store(t), repository, dsn)
	want := []string{"bad-row none." + rows[1], "no-file files/" + last, "no-row files/" + rows[0]}
	slices.Sort(found)
	if d := cmp.Diff(want, found); d != "" {
		t.Error(d)
	}
}

// missing are references to files that nobody has.
type missing int

func (m missing) PfileNames(context.Context) iter.Seq2[fossology.Name, error] {
	return func(yield func(fossology.Name, error) bool) {
		for i := range int(m) {
			n := fossology.Name{Size: int64(i)}
			n.SHA1[0], n.SHA1[1], n.SHA1[2] = byte(i>>16), byte(i>>8), byte(i)
			if !yield(n, nil) {
				return
			}
		}
	}
}

func (missing) GoldNames(context.Context) iter.Seq2[fossology.Name, error] {
	return func(func(fossology.Name, error) bool) {}
}

// Every finding is recorded, however many; the summary shows the first of each
// kind.
func TestFindingsAllRecorded(t *testing.T) {
	const many = 30_000
	st := repotest.Store(t)
	o := options(st, repotest.Repository(t))
	o.View = func(context.Context) (*snapshot.View, error) {
		return &snapshot.View{References: missing(many), Close: func() {}}, nil
	}
	time.Sleep(100 * time.Millisecond) // what has just arrived may wait for its row
	s := take(t, o)
	if s.FindingCount[snapshot.NoFile] != many || s.FindingCount[snapshot.NoRow] != 846 || len(s.First) != 10 {
		t.Errorf("counted %v, shown %d", s.FindingCount, len(s.First))
	}
	all := recorded(t, st, s)
	slices.Sort(all)
	if all = slices.Compact(all); len(all) != many+846 {
		t.Errorf("%d different findings are recorded, want %d", len(all), many+846)
	}
}

// More damaged files than can be remembered: the next run reads all files.
func TestTakeManySuspects(t *testing.T) {
	repository, st := repotest.Repository(t), repotest.Store(t)
	first := take(t, options(st, repository))
	var b []byte
	for i := range 100_001 {
		b = fmt.Appendf(b, `{"kind":"content-differs","path":"localhost/files/%d"}`+"\n", i)
	}
	if err := os.WriteFile(st.Path("snapshots", "fossology", first.Name, "findings.jsonl"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	if s := take(t, options(st, repository)); s.Detection != snapshot.DetectRead || s.Read.Files < 900 {
		t.Errorf("detection %s, %d files read", s.Detection, s.Read.Files)
	}
	if s := take(t, options(st, repository)); s.Detection != snapshot.DetectWalk {
		t.Errorf("detection %s after a good night", s.Detection)
	}
}

// A standstill means two passes. What is wrong in both is one finding; what
// was put right before the second is none, and what rotted unseen is found.
func TestTakeTwoPasses(t *testing.T) {
	repository, st := repotest.Repository(t), repotest.Store(t)
	var named []string
	for path, text := range tree(t, repository, false) {
		if strings.HasPrefix(path, "localhost/files/") && len(text) > 1000 {
			named = append(named, path)
		}
	}
	slices.Sort(named)
	wrong, mended, rotten := named[0], filepath.Join(repository, named[1]), filepath.Join(repository, named[2])
	o := options(st, repository)
	take(t, o)
	good, err := os.ReadFile(mended)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, filepath.Join(repository, wrong))
	damage(t, mended)
	rot(t, rotten)
	if err := os.Symlink("/etc", filepath.Join(repository, "localhost", "linkdir")); err != nil {
		t.Fatal(err)
	}
	o.Detect = snapshot.DetectRead
	o.Quiesce = func(context.Context) (func(context.Context) (snapshot.Standstill, error), error) {
		return func(context.Context) (snapshot.Standstill, error) { return snapshot.Standstill{}, nil }, os.WriteFile(mended, good, 0o660)
	}
	s := take(t, o)
	found := recorded(t, st, s)
	slices.Sort(found)
	if d := cmp.Diff([]string{"content-differs " + wrong, "content-differs " + named[2], "linked-directory localhost/linkdir"}, found); d != "" {
		t.Error(d)
	}
}

// A file that arrives after the database was looked at, while the rest is
// copied, has no row in that view, and that is no finding.
func TestClosureArrived(t *testing.T) {
	dsn := repotest.Fossology(t)
	repository, st := repotest.Repository(t), repotest.Store(t)
	o := options(st, repository)
	withDatabase(&o, fossology.DSN(dsn), snapshot.DumpNone)
	view := o.View
	o.View = func(ctx context.Context) (*snapshot.View, error) {
		v, err := view(ctx)
		keep(t, repository, "it arrives now")
		return v, err
	}
	s := take(t, o)
	if s.Findings() != 0 {
		t.Errorf("findings: %v", s.First)
	}
	rel, _ := filepath.Rel(repository, pathOf(repository, nameOf("it arrives now")))
	if _, ok := held(t, find(t, st, "latest"))[rel]; !ok {
		t.Error("it was not copied")
	}
}
