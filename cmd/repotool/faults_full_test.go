package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"repotool/repotest"
)

// TestDiskFull runs each job on a disk that has only so much room, or so many inodes, left:
// it fails in the midst of whatever it does then. What was there is there afterwards; with
// room made the same command succeeds, and verify finds nothing.
func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("it mounts file systems: run it as root")
	}
	if !repotest.Alone(t, repotest.OwnMounts()) { // others' copies of our mounts would hold the disks
		return
	}
	rooms, inodes, most := []int64{0, 24}, []int{0, 3}, 10
	if faultStep(0) > 0 { // make faults
		rooms, inodes, most = []int64{0, 8, 24, 48, 96}, []int{0, 1, 3, 9}, 40
	}
	fileSystems := []string{"ext4", "xfs"}
	if raced {
		rooms, inodes, most, fileSystems = rooms[1:], inodes[1:], 2, fileSystems[:1]
	}
	faultProgram(t)
	failed := 0
	for _, fileSystem := range fileSystems {
		for _, job := range append(faultJobs(), rotatingJobs()...) {
			t.Run(fileSystem+"/"+job.name, func(t *testing.T) {
				full := newFullDisk(t, fileSystem, job)
				for _, left := range rooms {
					failed += full.once(fmt.Sprintf("%d KiB", left), func(dir string) { fillBytes(t, dir, left<<10) })
				}
				if fileSystem == "xfs" {
					return // it has as many inodes as fit
				}
				for _, left := range inodes {
					failed += full.once(fmt.Sprintf("%d inodes", left), func(dir string) { fillInodes(t, dir, left) })
				}
			})
		}
	}
	t.Logf("%d runs failed for lack of room", failed)
	if failed < most {
		t.Errorf("only %d runs failed: the disk was not full", failed)
	}
}

// A fullDisk is one on which a job can begin, made once and copied for each run.
type fullDisk struct {
	t          *testing.T
	job        faultJob
	base, work *disk
	w          *faultWorld
	before     map[string]map[string]string
}

func newFullDisk(t *testing.T, fileSystem string, job faultJob) *fullDisk {
	t.Helper()
	dir := t.TempDir()
	at := filepath.Join(dir, "mnt")
	d := &fullDisk{t: t, job: job, base: newDisk(t, fileSystem, filepath.Join(dir, "base"), at), work: newDisk(t, fileSystem, filepath.Join(dir, "work"), at)}
	d.base.make()
	d.base.mount()
	defer d.base.unmount()
	d.w = newFaultWorldAt(t, at)
	job.prepare(d.w)
	if !job.damaged {
		d.before = d.w.snapshots(true)
	}
	return d
}

// once runs the job on a disk that fill has filled.
func (full *fullDisk) once(what string, fill func(dir string)) (failed int) {
	t, job, w, before, d := full.t, full.job, full.w, full.before, full.work
	t.Helper()
	full.base.copy(d.file)
	d.mount()
	defer d.unmount()
	filler := filepath.Join(d.at, "filler")
	if err := os.Mkdir(filler, 0o755); err != nil {
		t.Fatal(err)
	}
	fill(filler)
	out, err := exec.Command("repotool", job.args(w)...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitFailed {
		failed = 1
	} else if err != nil && (exit == nil || exit.ExitCode() != exitFindings) {
		t.Errorf("%s left: %v\n%s", what, err, out)
	}
	job.check(w, before, false)
	if err := os.RemoveAll(filler); err != nil {
		t.Fatal(err)
	}
	repotoolEnds(t, job.args(w)...)
	job.check(w, before, true)
	if out, err := exec.Command("repotool", "verify").CombinedOutput(); err != nil {
		t.Errorf("%s left: verify: %v\n%s", what, err, out)
	}
	if t.Failed() {
		t.Fatalf("%s left: %s", what, out)
	}
	return failed
}

// fillBytes takes all room of a file system but some.
func fillBytes(t *testing.T, dir string, left int64) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "bytes"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := int64(st.Bfree)*st.Bsize - left; size > 4096; size /= 2 { // what is left may be in pieces
		at, _ := f.Seek(0, 2)
		for unix.Fallocate(int(f.Fd()), 0, at, size) == nil {
			if at += size; unix.Statfs(dir, &st) != nil || int64(st.Bfree)*st.Bsize <= left+size {
				break
			}
			f.Seek(0, 2)
		}
	}
}

// fillInodes takes all inodes of a file system but some.
func fillInodes(t *testing.T, dir string, left int) {
	t.Helper()
	n := 0
	for ; ; n++ {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(n)))
		if errors.Is(err, unix.ENOSPC) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	for i := range left {
		if err := os.Remove(filepath.Join(dir, fmt.Sprint(n-1-i))); err != nil {
			t.Fatal(err)
		}
	}
}
