package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/snapshot"
)

// FOSSology works while a snapshot is taken. What vanishes is no error, what is
// rewritten by rename is read whole, and only what never holds still is a
// finding: a file that grows all the time.
func TestTakeWhileFilesChange(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	for i := range 400 {
		keep(t, repository, fmt.Sprint("steady ", i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	work := func(step func(i int) error) {
		busy.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := step(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	work(func(i int) error { // comes and goes
		path := pathOf(repository, nameOf(fmt.Sprint("fleeting ", i%50)))
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path+".I", fmt.Append(nil, "fleeting ", i%50), 0o644))
		if err == nil {
			err = os.Rename(path+".I", path)
		}
		return errors.Join(err, os.Remove(path))
	})
	work(func(i int) error { // is written anew
		path := pathOf(repository, nameOf(fmt.Sprint("steady ", i%400)))
		err := os.WriteFile(path+".I", fmt.Append(nil, "steady ", i%400), 0o644)
		return errors.Join(err, os.Rename(path+".I", path))
	})
	growing := filepath.Join(repository, "logs", "growing")
	write(t, growing, strings.Repeat("x", 4<<20)) // long to read, so that it is met growing
	work(func(int) error {
		f, err := os.OpenFile(growing, os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			_, err = f.WriteString("line\n")
			err = errors.Join(err, f.Close())
		}
		return err
	})
	o := options(st, repository)
	o.FullScan, o.Detect = true, snapshot.DetectRead
	met := int64(0)
	// Who makes it grow has to have its turn while it is read.
	for began := time.Now(); time.Since(began) < 5*time.Second || met == 0 && time.Since(began) < 2*time.Minute; {
		s := take(t, o)
		met += s.FindingCount[snapshot.Changing]
		// On a fast machine their names run ahead of the clock.
		if s.FindingCount[snapshot.ContentDiffers] != 0 || s.Findings() != s.FindingCount[snapshot.Changing]+s.FindingCount[snapshot.ClockBehind] {
			t.Errorf("findings: %v", s.First)
		}
		for _, f := range s.First {
			if f.Kind != snapshot.ClockBehind && f.Path != "logs/growing" {
				t.Errorf("%+v", f)
			}
		}
	}
	if met == 0 {
		t.Error("the growing file was never met growing")
	}
	cancel()
	busy.Wait()
	last := take(t, o)
	if last.Findings() != last.FindingCount[snapshot.ClockBehind] {
		t.Errorf("findings when all is still: %v", last.First)
	}
	compareSnapshotWithTree(t, find(t, st, "latest"), repository)
	allGood(t, st)
}

// Directories come, are renamed and go while snapshots are taken, which know the
// walk before. None fails, and none of what stays is missing.
func TestTakeWhileDirectoriesChange(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	for i := range 50 {
		keep(t, repository, fmt.Sprint("steady ", i))
	}
	changing := filepath.Join(repository, "logs", "99")
	write(t, filepath.Join(changing, "m", "steady"), "steady")
	if err := os.Chmod(changing, 0o700); err != nil { // so that the manifest speaks of it
		t.Fatal(err)
	}
	take(t, options(st, repository))
	ctx, cancel := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	busy.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			a, b := filepath.Join(changing, fmt.Sprint(i%40)), filepath.Join(changing, fmt.Sprint("m", i%40))
			err := errors.Join(os.RemoveAll(b), os.MkdirAll(a, 0o755), os.WriteFile(filepath.Join(a, "a"), fmt.Append(nil, i), 0o644),
				os.Rename(a, b), os.RemoveAll(filepath.Join(changing, fmt.Sprint("m", (i+39)%40))))
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer busy.Wait()
	defer cancel()
	o := options(st, repository)
	o.Layout = snapshot.LayoutNone
	n := 0
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); n++ {
		if s := take(t, o); s.Files < 51 || s.FullScan {
			t.Errorf("%d files, full scan %v", s.Files, s.FullScan)
		}
	}
	cancel()
	busy.Wait()
	if s := take(t, o); s.FullScan || n == 0 {
		t.Errorf("full scan %v after %d snapshots", s.FullScan, n)
	}
	compareSnapshotWithTree(t, find(t, st, "latest"), repository)
	allGood(t, st)
}
