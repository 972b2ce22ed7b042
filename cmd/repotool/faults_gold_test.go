package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/repotest"
)

// goldFaults is a world of gold.
func goldFaults(t *testing.T) *faultWorld {
	w := newFaultWorld(t)
	w.fillWithGold(t)
	return w
}

// goldWorld is what all worlds of gold begin with, made once: files of the repository, a
// database to copy, and files of the ledger, which speaks of contents, not of places.
var goldWorld struct {
	files, ledger fstest.MapFS
	template      string
}

// fillWithGold makes the world's repository a part of the real one, with the real database:
// two uploads with archives in archives.
func (w *faultWorld) fillWithGold(t *testing.T) {
	if err := os.RemoveAll(w.repository); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REPOTOOL_DATABASE", "plain")
	if goldWorld.template == "" {
		makeGoldWorld(t)
	}
	w.dsn = repotest.Postgres(t).Database(t, goldWorld.template)
	w.configure()
	if err := os.CopyFS(w.repository, goldWorld.files); err != nil {
		t.Fatal(err)
	}
}

func makeGoldWorld(t *testing.T) {
	dsn := repotest.Fossology(t)
	_, name, _ := strings.Cut(dsn, "dbname=")
	name = strings.Fields(name)[0]
	repotest.Postgres(t).SQL(t, name, `SET session_replication_role = replica;
		DELETE FROM uploadtree_a WHERE upload_fk NOT IN (4, 14); DELETE FROM upload WHERE upload_pk NOT IN (4, 14);
		DELETE FROM pfile p WHERE NOT EXISTS (SELECT FROM uploadtree_a t WHERE t.pfile_fk = p.pfile_pk)
			AND NOT EXISTS (SELECT FROM upload u WHERE u.pfile_fk = p.pfile_pk)`)
	repotest.Postgres(t).SQL(t, "postgres", "CREATE DATABASE gold_template TEMPLATE "+name)
	whole, files := repotest.Repository(t), fstest.MapFS{}
	db, err := fossology.Connect(t.Context(), fossology.DSN(dsn))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	view, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	for u, err := range view.UsesIn(t.Context(), 4, 14) {
		if err != nil {
			t.Fatal(err)
		}
		name := u.Name.String()
		for _, typ := range []string{"gold", "files"} {
			path := filepath.Join("localhost", typ, name[:2], name[2:4], name[4:6], name)
			b, err := os.ReadFile(filepath.Join(whole, path))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			files[path] = &fstest.MapFile{Data: b, Mode: 0o644}
		}
	}
	goldWorld.files, goldWorld.template = files, "gold_template"
}

// index makes the ledger of a world of gold.
func (w *faultWorld) index(t *testing.T) {
	t.Helper()
	ledger := filepath.Join(w.store, "ledger", "fossology")
	if goldWorld.ledger != nil {
		if err := os.CopyFS(ledger, goldWorld.ledger); err != nil {
			t.Fatal(err)
		}
		return
	}
	repotoolEnds(t, "index")
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(ledger), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(ledger, path))
		files[path] = &fstest.MapFile{Data: b, Mode: 0o644}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of the ledger: %v", len(files), err)
	}
	goldWorld.ledger = files
}

// repotoolEnds runs a command that may have findings: the database refers to more than the
// repository holds.
func repotoolEnds(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("repotool", args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitFindings) {
		t.Fatalf("repotool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// faultsOf tries a command at every change, or one in some, that it makes below root; again
// then does what brings it to its end.
func faultsOf(t *testing.T, program string, first *faultWorld, root func(w *faultWorld) string, args []string, again func(w *faultWorld), check func(w *faultWorld, f repotest.Fault, repeated bool)) {
	t.Helper()
	whole := first.clone()
	r := repotest.RunFaulty(t, repotest.Fault{}, []string{root(whole)}, program, args...)
	if r.Exit != 0 && r.Exit != exitFindings || r.Changes < 5 {
		t.Fatalf("%+v", r)
	}
	tried, fired, step := 0, 0, faultStep(397) // these take longer
	for _, f := range []repotest.Fault{{Kill: true}, {With: unix.EIO}, {With: unix.ENOSPC}} {
		for f.At = 1 + 31*int64(tried)%step; f.At <= r.Changes; f.At += step {
			tried++
			w := first.clone()
			got := repotest.RunFaulty(t, f, []string{root(w)}, program, args...)
			if got.Fired {
				fired++
				check(w, f, false)
				again(w)
				check(w, f, true)
			}
			os.RemoveAll(w.dir)
			if t.Failed() {
				t.Fatalf("%v (%s): %s", f, got.What, got.Output)
			}
		}
	}
	t.Logf("%d changes, %d faults, %d happened", r.Changes, tried, fired)
	if fired < tried*9/10 {
		t.Errorf("only %d of %d faults have happened", fired, tried)
	}
}

// TestFaultsIndex: a ledger that was cut short says nothing wrong, and is completed.
func TestFaultsIndex(t *testing.T) {
	program, first := faultProgram(t), goldFaults(t)
	status := func() string { // but for the size of the ledger
		all, _, _ := strings.Cut(repotoolEnds(t, "gold", "status"), "golds unpacked")
		return all
	}
	first.clone() // of which the whole ledger is made
	repotoolEnds(t, "index")
	want := status()
	if !strings.Contains(want, "confirmed") {
		t.Fatal(want)
	}
	faultsOf(t, program, first, func(w *faultWorld) string { return filepath.Join(w.store, "ledger") }, []string{"index"}, func(*faultWorld) { repotoolEnds(t, "index") },
		func(w *faultWorld, f repotest.Fault, repeated bool) {
			if got := status(); repeated && got != want {
				t.Errorf("%v: afterwards\n%s\nwant\n%s", f, got, want)
			}
		})
}

// indexJob makes a ledger, which is afterwards as it is without a fault.
func indexJob() faultJob {
	var want string
	status := func(w *faultWorld) string { // but for the size of the ledger
		all, _, _ := strings.Cut(repotoolEnds(w.t, "gold", "status"), "golds unpacked")
		return all
	}
	return faultJob{name: "index", damaged: true,
		prepare: func(w *faultWorld) {
			w.fillWithGold(w.t)
			w.index(w.t)
			if want = status(w); !strings.Contains(want, "confirmed") {
				w.t.Fatal(want)
			}
			if err := os.RemoveAll(filepath.Join(w.store, "ledger", "fossology")); err != nil {
				w.t.Fatal(err)
			}
		},
		args:  func(*faultWorld) []string { return []string{"index"} },
		roots: func(w *faultWorld) []string { return []string{filepath.Join(w.store, "ledger")} },
		check: func(w *faultWorld, _ map[string]map[string]string, repeated bool) {
			if !repeated {
				return
			}
			if got := status(w); got != want {
				w.t.Errorf("afterwards\n%s\nwant\n%s", got, want)
			}
		}}
}

// reunpackJob brings all files of a world of gold back: never does one stand under a Name
// with other bytes, and the next run brings the rest.
func reunpackJob() faultJob {
	var want map[string]string
	files := func(w *faultWorld) string { return filepath.Join(w.repository, "localhost", "files") }
	return faultJob{name: "reunpack", damaged: true, many: true,
		prepare: func(w *faultWorld) {
			w.fillWithGold(w.t)
			w.index(w.t)
			want = contents(w.t, files(w))
			if err := os.RemoveAll(files(w)); err != nil {
				w.t.Fatal(err)
			}
		},
		args:  func(*faultWorld) []string { return []string{"reunpack", "--all-missing"} },
		roots: func(w *faultWorld) []string { return []string{filepath.Join(w.repository, "localhost")} },
		check: func(w *faultWorld, _ map[string]map[string]string, repeated bool) {
			got, missing := contents(w.t, files(w)), 0
			for key, content := range got {
				if whole, named := want[key]; named && content != whole {
					w.t.Errorf("%s has other bytes", key)
				}
			}
			for key := range want {
				if _, there := got[key]; !there {
					missing++
				}
			}
			if repeated && (missing > 2 || len(got) > len(want)) { // artifact.meta does not come back
				w.t.Errorf("%d of %d files are missing, %d are there", missing, len(want), len(got))
			}
		}}
}

// TestFaultsReunpack runs it with a fault at each change.
func TestFaultsReunpack(t *testing.T) {
	program, job := faultProgram(t), reunpackJob()
	first := newFaultWorld(t)
	job.prepare(first)
	faultsOf(t, program, first, func(w *faultWorld) string { return job.roots(w)[0] }, job.args(first), func(w *faultWorld) { repotoolEnds(t, job.args(w)...) },
		func(w *faultWorld, _ repotest.Fault, repeated bool) { job.check(w, nil, repeated) })
}
