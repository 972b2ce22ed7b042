package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"repotool/repotest"
)

// A disk is a file with a file system on it. A copy of the file, made while a program works,
// is what a power cut would leave: what was written by then, and nothing of what is only in
// memory.
type disk struct {
	t          *testing.T
	fileSystem string
	file       string
	at         string // where it is mounted
}

func newDisk(t *testing.T, fileSystem, file, at string) *disk {
	t.Helper()
	d := &disk{t, fileSystem, file, at}
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { exec.Command("umount", "-q", d.at).Run() })
	return d
}

func (d *disk) run(name string, args ...string) {
	d.t.Helper()
	if out, err := exec.Command(repotest.Tool(d.t, name), args...).CombinedOutput(); err != nil {
		d.t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

func (d *disk) make() {
	d.t.Helper()
	d.run("truncate", "-s", "400M", d.file)
	force := map[string]string{"ext4": "-F", "xfs": "-f"}[d.fileSystem]
	args := []string{"-q", force, d.file}
	if d.fileSystem == "ext4" {
		args = append([]string{"-N", "4000", "-m", "0"}, args...)
	}
	d.run("mkfs."+d.fileSystem, args...)
}

func (d *disk) mount()   { d.t.Helper(); d.run("mount", "-o", "loop", d.file, d.at) }
func (d *disk) unmount() { d.t.Helper(); d.run("umount", d.at) }

func (d *disk) copy(to string) { d.t.Helper(); d.run("cp", "--sparse=always", d.file, to) }

// TestPowerCut cuts the power at the changes that each job makes in the store: what was not
// synced by then is gone. What was published is whole, the job succeeds when it is repeated,
// and verify finds nothing.
func TestPowerCut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("it mounts file systems: run it as root")
	}
	if !repotest.Alone(t, repotest.OwnMounts()) { // others' copies of our mounts would hold the disks
		return
	}
	program := faultProgram(t)
	points, fired := 0, 0
	fileSystems := []string{"ext4", "xfs"}
	if raced {
		fileSystems = fileSystems[:1]
	}
	for _, fileSystem := range fileSystems {
		unsyncedIsLost(t, fileSystem)
		for _, job := range append(append(faultJobs(), rotatingJobs()...), reunpackJob(), indexJob(), pruneJob(), pruneUndoJob(), dedupJob(), dedupUndoJob()) {
			if check := job.check; job.name == "restore" { // it promises nothing before it has ended
				job.check = func(w *faultWorld, before map[string]map[string]string, repeated bool) {
					if repeated {
						check(w, before, repeated)
					}
				}
			}
			t.Run(fileSystem+"/"+job.name, func(t *testing.T) {
				n, happened := powerCuts(t, fileSystem, job, program, int64(points))
				points, fired = points+n, fired+happened
			})
		}
	}
	t.Logf("the power was cut %d times of %d", fired, points)
	if fired < points*9/10 {
		t.Errorf("only %d of %d", fired, points)
	}
}

// unsyncedIsLost: the copy of a disk is what it is thought to be. The kernel may write what
// it was not asked to, though not each time.
func unsyncedIsLost(t *testing.T, fileSystem string) {
	t.Helper()
	dir := t.TempDir()
	work, cut := newDisk(t, fileSystem, filepath.Join(dir, "work"), filepath.Join(dir, "mnt")), newDisk(t, fileSystem, filepath.Join(dir, "cut"), filepath.Join(dir, "mnt"))
	file := filepath.Join(work.at, "unsynced")
	var held []byte
	for range 3 {
		work.make()
		work.mount()
		if err := os.WriteFile(file, []byte("only in memory"), 0o644); err != nil {
			t.Fatal(err)
		}
		work.copy(cut.file)
		work.unmount()
		cut.mount()
		held, _ = os.ReadFile(file)
		cut.unmount()
		if len(held) == 0 {
			return
		}
	}
	t.Errorf("a copy of the disk holds what was never synced: %q", held)
}

// powerCuts cuts the power at some changes of one job.
func powerCuts(t *testing.T, fileSystem string, job faultJob, program string, first int64) (points, fired int) {
	dir := t.TempDir()
	at := filepath.Join(dir, "mnt")
	place := func(name string) *disk { return newDisk(t, fileSystem, filepath.Join(dir, name), at) }
	base, work, cut := place("base"), place("work"), place("cut")
	base.make()
	base.mount()
	w := newFaultWorldAt(t, at)
	job.prepare(w)
	if job.ready != nil {
		job.ready(w)
	}
	var before map[string]map[string]string
	if !job.damaged {
		before = w.snapshots(true)
	}
	base.unmount()
	try := func(f repotest.Fault) (r repotest.FaultyRun) {
		base.copy(work.file)
		work.mount()
		f.Then = func() { work.copy(cut.file) }
		r = repotest.RunFaulty(t, f, job.roots(w), program, job.args(w)...)
		work.unmount()
		return r
	}
	r := try(repotest.Fault{})
	if r.Exit != 0 && r.Exit != exitFindings || r.Changes < 5 {
		t.Fatalf("%+v", r)
	}
	step := faultStep(61)
	if job.many {
		step *= 10
	}
	for n := (1+first)%min(step, r.Changes) + 1; n <= r.Changes; n += step {
		points++
		got := try(repotest.Fault{At: n, Kill: true})
		if !got.Fired {
			continue
		}
		fired++
		cut.mount()
		job.check(w, before, false)
		out := repotoolEnds(t, job.toTheEnd(w)...)
		job.check(w, before, true)
		if out, err := exec.Command("repotool", "verify").CombinedOutput(); err != nil {
			t.Errorf("verify: %v\n%s", err, out)
		}
		cut.unmount()
		if t.Failed() {
			t.Fatalf("power cut at change %d (%s): %s", n, got.What, out)
		}
	}
	t.Logf("%d changes", r.Changes)
	return points, fired
}
