package prune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"

	"golang.org/x/sys/unix"
)

// A DedupUndo says what an undo has done.
type DedupUndo struct {
	Plan    string `json:"plan"`
	Journal string `json:"journal"`
	Back    Sum    `json:"back"`  // files that have bytes of their own again
	Apart   Sum    `json:"apart"` // had them
	Left    Kept   `json:"left"`  // could not be given them
}

// A NoRoomError says that an undo has ended for lack of room. What it has done stays done.
type NoRoomError struct{ Need, Free int64 }

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("the next files need %d bytes, and %d are free", e.Need, e.Free)
}

// Hint says what to do.
func (e *NoRoomError) Hint() string {
	return "make room in the repository's file system, and undo once more: it goes on"
}

// An ElsewhereError says that a run was in another repository, which is still there.
type ElsewhereError struct{ Run, Here string }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("the run was in the repository %s, and this is %s", e.Run, e.Here)
}

// Hint says what to do.
func (e *ElsewhereError) Hint() string { return "undo it with --repository " + e.Run }

// elsewhere says whether a run was in another repository than this one, which has not been
// moved here since.
func elsewhere(run, here string) bool {
	a, err := os.Stat(run)
	b, err2 := os.Stat(here)
	return run != here && err == nil && err2 == nil && !os.SameFile(a, b)
}

// separateTogether are as many as are copied before they are synced, and get their place.
const separateTogether = 512

// DedupUndoOptions say where and how a run is undone.
type DedupUndoOptions struct {
	Repository string // where it is now
	TempDir    string // for lists; "" is os.TempDir
	// Progress, if not nil, is told of every file that was dealt with.
	Progress func(files, bytes int64)
}

// Undo gives the files of a run bytes of their own again, with owner, mode and time as
// they were, each an inode. That takes the room that the run has freed.
func (d *DedupRun) Undo(ctx context.Context, o DedupUndoOptions) (_ *DedupUndo, err error) {
	u := &separator{o: o, r: DedupUndo{Plan: d.Plan, Journal: d.Journal, Left: Kept{}}}
	defer func() {
		if err != nil {
			err = fmt.Errorf("undo dedup: %w", err)
		}
	}()
	p, err := d.plan(o.TempDir)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	u.how = p.How
	if elsewhere(p.Repository, o.Repository) {
		return nil, &ElsewhereError{p.Repository, o.Repository}
	}
	if u.top, err = openRepository(o.Repository); err != nil {
		return nil, err
	}
	defer unix.Close(u.top)
	at := int64(0)
	var batch []*copied
	for g, err := range p.spool.all(0) {
		if err != nil {
			return &u.r, err
		}
		if at++; at > d.begun {
			break
		}
		for i := range g.Same {
			batch = append(batch, &copied{m: g.Same[i], keep: g.Keep, size: g.Size, dir: -1})
		}
		if len(batch) >= separateTogether {
			if err := u.batch(ctx, batch); err != nil {
				return &u.r, err
			}
			batch = batch[:0]
		}
	}
	if err := u.batch(ctx, batch); err != nil {
		return &u.r, err
	}
	return &u.r, nil
}

// separator is an undo at work.
type separator struct {
	o   DedupUndoOptions
	how How
	top int

	mu sync.Mutex
	r  DedupUndo
}

// batch copies some files, sees to it that the copies are on the disk, and has each
// take its place.
func (u *separator) batch(ctx context.Context, files []*copied) (err error) {
	defer func() {
		for _, c := range files {
			if err != nil && c.made { // what has not taken its place
				err = errors.Join(err, unix.Unlinkat(c.dir, path.Base(c.m.Path)+workEnding, 0))
			}
			if c.dir >= 0 {
				unix.Close(c.dir)
			}
		}
	}()
	if err := u.room(files); err != nil {
		return err
	}
	if err := inParallel(ctx, len(files), func(i int, buf []byte) { u.copy(files[i], buf) }); err != nil {
		return err
	}
	some := false
	for _, c := range files {
		if c.err != nil {
			return fmt.Errorf("%s: %w", c.m.Path, c.err)
		}
		some = some || c.made
	}
	if some {
		if err := unix.Syncfs(u.top); err != nil {
			return fmt.Errorf("sync the file system: %w", err)
		}
	}
	for _, c := range files {
		if c.made {
			if err := u.place(c); err != nil {
				return err
			}
		}
		if u.o.Progress != nil {
			u.o.Progress(1, c.size)
		}
	}
	return nil
}

// room says whether there is room for the copies of a batch.
func (u *separator) room(files []*copied) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(u.top, &st); err != nil {
		return fmt.Errorf("ask for free space: %w", err)
	}
	need, free := int64(0), int64(st.Bavail)*st.Bsize
	for _, c := range files {
		need += c.size
	}
	if need > free {
		return &NoRoomError{need, free}
	}
	return nil
}

// place has a copy take its place.
func (u *separator) place(c *copied) error {
	atStep()
	name := path.Base(c.m.Path)
	err := unix.Renameat(c.dir, name+workEnding, c.dir, name)
	if err == nil {
		c.made = false
		u.r.Back.add(c.size)
		return nil
	}
	if why, err := refusal(err); err == nil { // an immutable file
		c.made = false
		u.r.Left.add(why, c.size)
		if err := unix.Unlinkat(c.dir, name+workEnding, 0); err != nil {
			return &fs.PathError{Op: "remove", Path: c.m.Path + workEnding, Err: err}
		}
		return nil
	}
	return &fs.PathError{Op: "rename", Path: c.m.Path + workEnding, Err: err}
}
