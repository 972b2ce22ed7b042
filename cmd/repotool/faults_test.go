package main

import (
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"repotool/repotest"
)

// faultStep says that one in so many changes of a job is tried: each with FAULT_STEP=1.
func faultStep(usual int64) int64 {
	if n, err := strconv.ParseInt(os.Getenv("FAULT_STEP"), 10, 64); err == nil && n > 0 {
		return n
	}
	return usual * seldom()
}

// A faultWorld is a small repository and a store, and what each snapshot must hold: known
// by its days, which are plain files, so that no code of repotool's judges itself.
type faultWorld struct {
	t                 *testing.T
	dir               string
	repository, store string
	dsn               string              // of a database, if there is one
	states            []map[string]string // of the repository, at the snapshots of a job
}

func newFaultWorld(t *testing.T) *faultWorld { return newFaultWorldAt(t, t.TempDir()) }

func newFaultWorldAt(t *testing.T, dir string) *faultWorld {
	w := &faultWorld{t: t, dir: dir, repository: filepath.Join(dir, "repository"), store: filepath.Join(dir, "store")}
	t.Setenv("REPOTOOL_CONFIG", "")
	for name, value := range map[string]string{"STORE": w.store, "REPOSITORY": w.repository, "STATE_DIR": filepath.Join(dir, "state"),
		"DATABASE": "none", "QUIESCE": "none", "SYSCONF": ""} { // those that clone and configure change, too
		t.Setenv("REPOTOOL_"+name, value)
	}
	w.put("gold", "an archive")
	w.put("files", "an archive")
	for i := range 4 {
		w.put("files", fmt.Sprint("file ", i))
	}
	w.put("files", "")
	w.must("init")
	return w
}

func (w *faultWorld) put(typ, content string) string {
	name := fmt.Sprintf("%x.%x.%d", sha1.Sum([]byte(content)), md5.Sum([]byte(content)), len(content))
	path := filepath.Join(w.repository, "localhost", typ, name[:2], name[2:4], name[4:6], name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// must runs a command that succeeds.
func (w *faultWorld) must(args ...string) string {
	w.t.Helper()
	out, err := exec.Command("repotool", args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("repotool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// clone is the same world at another place.
func (w *faultWorld) clone() *faultWorld {
	c := *w
	c.dir = w.t.TempDir()
	c.repository, c.store = filepath.Join(c.dir, "repository"), filepath.Join(c.dir, "store")
	for _, d := range []string{"repository", "store"} {
		if out, err := exec.Command("cp", "-a", filepath.Join(w.dir, d), c.dir).CombinedOutput(); err != nil {
			w.t.Fatalf("%v: %s", err, out)
		}
	}
	os.Setenv("REPOTOOL_STORE", c.store)
	os.Setenv("REPOTOOL_REPOSITORY", c.repository)
	os.Setenv("REPOTOOL_STATE_DIR", filepath.Join(c.dir, "state"))
	c.configure()
	return &c
}

// configure writes a configuration of FOSSology's, if there is a database.
func (w *faultWorld) configure() {
	if w.dsn == "" {
		return
	}
	sysconf := filepath.Join(w.dir, "etc")
	if err := errors.Join(os.Mkdir(sysconf, 0o755), repotest.WriteSysconf(sysconf, w.repository, w.dsn)); err != nil {
		w.t.Fatal(err)
	}
	os.Setenv("REPOTOOL_SYSCONF", sysconf)
}

// contents are the files below a directory, by their base names; work files are left out.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "RESTORE.txt" {
			return err
		}
		b, err := os.ReadFile(path)
		typ := "files "
		if strings.Contains(path, "/gold/") {
			typ = "gold "
		}
		all[typ+d.Name()] = string(b)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

// snapshots are those that are published, with what their days show. A snapshot without a
// day, or a day that is not as its names say, is an error of the program.
func (w *faultWorld) snapshots(done bool) map[string]map[string]string {
	w.t.Helper()
	all := map[string]map[string]string{}
	root := filepath.Join(w.store, "snapshots", "fossology")
	names, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), ".") {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, n.Name(), "manifest")); err != nil {
			w.t.Errorf("a snapshot without a manifest: %v", err)
		}
		// A run that was killed just behind the snapshot leaves its day, complete, under
		// the name that it is built with; the next run gives it its own.
		place := filepath.Join(w.store, "days", "fossology", n.Name())
		if _, err := os.Stat(place); errors.Is(err, fs.ErrNotExist) && !done {
			place = filepath.Join(w.store, "days", "fossology", ".building-"+n.Name())
		}
		day := contents(w.t, filepath.Join(place, "localhost"))
		for key, content := range day {
			name := key[strings.LastIndexByte(key, ' ')+1:]
			if want := fmt.Sprintf("%x.%x.%d", sha1.Sum([]byte(content)), md5.Sum([]byte(content)), len(content)); name != want {
				w.t.Errorf("%s of %s holds other bytes", name, n.Name())
			}
		}
		all[n.Name()] = day
	}
	return all
}

// A faultJob is a command, what must be there before and after it, and what it changes.
type faultJob struct {
	name    string
	prepare func(w *faultWorld)
	args    func(w *faultWorld) []string
	// check is called after the command was cut short, and once more after it was
	// repeated; before is what the snapshots held.
	check func(w *faultWorld, before map[string]map[string]string, repeated bool)
	roots func(w *faultWorld) []string
	// ready, if not nil, makes each copy of the world ready: what depends on its place.
	ready func(w *faultWorld)
	// again are the arguments that bring it to its end; nil: the same.
	again func(w *faultWorld) []string
	// damaged: what the days show is wrong before.
	damaged bool
	// many changes are alike, such as the making of 256 folders: a thirtieth as many are tried.
	many bool
}

// clone makes a copy of a world that is ready for the job.
func (j *faultJob) clone(w *faultWorld) *faultWorld {
	c := w.clone()
	if j.ready != nil {
		j.ready(c)
	}
	return c
}

// toTheEnd are the arguments of the command that a job is repeated with.
func (j *faultJob) toTheEnd(w *faultWorld) []string {
	if j.again != nil {
		return j.again(w)
	}
	return j.args(w)
}

// kept says that every snapshot that was there is there still, with all its files.
func kept(w *faultWorld, before map[string]map[string]string, repeated bool) {
	w.t.Helper()
	now := w.snapshots(repeated)
	for name, files := range before {
		if !maps.Equal(files, now[name]) {
			w.t.Errorf("snapshot %s had %d files, and has %d", name, len(files), len(now[name]))
		}
	}
}

func faultJobs() []faultJob {
	night := func(w *faultWorld) {
		w.must("snapshot")
		os.Remove(w.put("files", "file 1"))
		w.put("files", "something new")
		w.put("files", "another new one")
	}
	old := func(w *faultWorld) string {
		names := slices.Sorted(maps.Keys(w.snapshots(true)))
		return names[0]
	}
	store := func(w *faultWorld) []string { return []string{w.store} }
	return []faultJob{
		{name: "first snapshot", prepare: func(*faultWorld) {}, args: func(*faultWorld) []string { return []string{"snapshot"} },
			check: func(w *faultWorld, before map[string]map[string]string, repeated bool) {
				for name, files := range w.snapshots(repeated) {
					if len(files) != 7 {
						w.t.Errorf("%s shows %d files", name, len(files))
					}
				}
			}, roots: store},
		{name: "next snapshot", prepare: night, args: func(*faultWorld) []string { return []string{"snapshot"} }, check: kept, roots: store},
		{name: "forget", prepare: func(w *faultWorld) { night(w); w.must("snapshot") }, args: func(*faultWorld) []string { return []string{"forget", "--keep-last", "1"} },
			check: func(w *faultWorld, before map[string]map[string]string, repeated bool) {
				newest := slices.Max(slices.Collect(maps.Keys(before)))
				kept(w, map[string]map[string]string{newest: before[newest]}, repeated)
				if n := len(w.snapshots(repeated)); repeated && n != 1 {
					w.t.Errorf("%d snapshots", n)
				}
			}, roots: store},
		{name: "gc", prepare: func(w *faultWorld) { night(w); w.must("snapshot"); w.must("forget", "--keep-last", "1") },
			args: func(*faultWorld) []string { return []string{"gc"} }, check: kept, roots: store},
		{name: "gc --undo", prepare: func(w *faultWorld) { night(w); w.must("snapshot"); w.must("forget", "--keep-last", "1") },
			args: func(*faultWorld) []string { return []string{"gc", "--undo"} }, check: kept, roots: store},
		{name: "repair", prepare: func(w *faultWorld) {
			night(w)
			objects, _ := filepath.Glob(filepath.Join(w.store, "objects", "*", "*"))
			for _, o := range objects {
				if b, _ := os.ReadFile(o); string(b) == "file 2" {
					if err := errors.Join(os.Chmod(o, 0o600), os.WriteFile(o, []byte("file x"), 0o600)); err != nil {
						w.t.Fatal(err)
					}
				}
			}
		}, args: func(*faultWorld) []string { return []string{"verify", "--repair"} },
			check: func(w *faultWorld, before map[string]map[string]string, repeated bool) {
				if repeated {
					w.snapshots(true)
				}
			}, roots: store, damaged: true},
		{name: "recover", prepare: func(w *faultWorld) {
			night(w)
			w.must("snapshot")
			if err := os.RemoveAll(filepath.Join(w.store, "snapshots", "fossology", old(w))); err != nil {
				w.t.Fatal(err)
			}
		}, args: func(*faultWorld) []string { return []string{"recover"} },
			check: func(w *faultWorld, before map[string]map[string]string, repeated bool) {
				kept(w, before, repeated)
				if n := len(w.snapshots(repeated)); repeated && n != 2 {
					w.t.Errorf("%d snapshots", n)
				}
			}, roots: store},
		{name: "restore", prepare: func(w *faultWorld) { w.must("snapshot") },
			args: func(w *faultWorld) []string { return []string{"restore", "--to", filepath.Join(w.dir, "to"), "latest"} },
			check: func(w *faultWorld, before map[string]map[string]string, repeated bool) {
				kept(w, before, repeated)
				got := contents(w.t, filepath.Join(w.dir, "to"))
				for key, content := range got {
					name := key[strings.LastIndexByte(key, ' ')+1:]
					if want := fmt.Sprintf("%x.%x.%d", sha1.Sum([]byte(content)), md5.Sum([]byte(content)), len(content)); strings.Count(name, ".") == 2 && name != want && !strings.HasPrefix(name, ".") {
						w.t.Errorf("%s was restored with other bytes", name)
					}
				}
				if repeated && len(got) != 7 {
					w.t.Errorf("%d files were restored: %v", len(got), slices.Sorted(maps.Keys(got)))
				}
			}, roots: func(w *faultWorld) []string { return []string{filepath.Join(w.dir, "to")} }},
	}
}

// TestFaults runs each job again and again: at every change that it makes the program is
// killed, or the change fails. What was there before is there afterwards; the same
// command, repeated, succeeds with nothing done by hand; verify finds nothing.
func TestFaults(t *testing.T) {
	program := faultProgram(t)
	points, fired := 0, 0
	for _, job := range append(append(faultJobs(), rotatingJobs()...), dedupJob(), dedupUndoJob()) {
		t.Run(job.name, func(t *testing.T) {
			step := faultStep(61)
			if job.many {
				step *= 30
			}
			first := newFaultWorld(t)
			job.prepare(first)
			whole := job.clone(first)
			r := repotest.RunFaulty(t, repotest.Fault{}, job.roots(whole), program, job.args(whole)...)
			if r.Exit != 0 && r.Exit != exitFindings || r.Changes < 5 {
				t.Fatalf("%+v", r)
			}
			whole = job.clone(first)
			writes := repotest.RunFaulty(t, repotest.Fault{Short: true}, job.roots(whole), program, job.args(whole)...).Changes
			tried := 0
			for _, f := range []repotest.Fault{{Kill: true}, {With: unix.EIO}, {With: unix.ENOSPC}, {With: unix.EDQUOT}, {With: unix.EMLINK}, {Short: true}} {
				changes, step := r.Changes, step
				if f.Short {
					changes, step = writes, (step+5)/6
				}
				for f.At = 1 + int64(tried)%step; f.At <= changes; f.At += step {
					tried++
					if faultOnce(t, first, job, program, f) {
						fired++
					}
				}
			}
			points += tried
			t.Logf("%d changes, of which %d are writes, %d faults", r.Changes, writes, tried)
		})
	}
	t.Logf("%d faults were planned, %d happened", points, fired)
	if fired < points*9/10 {
		t.Errorf("only %d of %d faults have happened", fired, points)
	}
}

func faultOnce(t *testing.T, first *faultWorld, job faultJob, program string, f repotest.Fault) (fired bool) {
	t.Helper()
	w := job.clone(first)
	defer os.RemoveAll(w.dir)
	var before map[string]map[string]string
	if !job.damaged {
		before = w.snapshots(true)
	}
	r := repotest.RunFaulty(t, f, job.roots(w), program, job.args(w)...)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%v (%s): "+format, append([]any{f, r.What}, args...)...)
	}
	if !r.Fired { // several goroutines do not always make as many changes
		return false
	}
	if r.Exit == 0 && f.Kill || r.Exit != 0 && r.Exit != exitFindings && f.Short {
		fail("exit code %d: %s", r.Exit, r.Output)
	}
	job.check(w, before, false)
	out, err := exec.Command("repotool", job.toTheEnd(w)...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitFindings) {
		fail("again: %v\n%s\nthe first time: %s", err, out, r.Output)
	}
	job.check(w, before, true)
	if out, err := exec.Command("repotool", "verify").CombinedOutput(); err != nil {
		fail("verify: %v\n%s", err, out)
	}
	if out, err := exec.Command("repotool", "gc").CombinedOutput(); err != nil {
		fail("gc: %v\n%s", err, out)
	}
	if left, _ := filepath.Glob(filepath.Join(w.store, "tmp", "*", "*")); len(left) > 0 {
		fail("left in tmp/: %v", left)
	}
	if t.Failed() {
		t.FailNow()
	}
	return true
}
