package prune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// A DedupUndo says what an undo has done.
type DedupUndo struct {
	Plan    string `json:"plan"`
	Journal string `json:"journal"`
	Back    Sum    `json:"back"`  // files that have bytes of their own again
	Apart   Sum    `json:"apart"` // had them
	Gone    Sum    `json:"gone"`  // are not there any more
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
	u := &separator{o: o, r: DedupUndo{Plan: d.Plan, Journal: d.Journal}}
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
	if u.top, err = unix.Open(o.Repository, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return nil, &fs.PathError{Op: "open", Path: o.Repository, Err: err}
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
			batch = append(batch, &copied{m: g.Same[i], size: g.Size})
		}
		if len(batch) >= separateTogether {
			if err := u.batch(ctx, batch); err != nil {
				return &u.r, err
			}
			batch = batch[:0]
		}
	}
	return &u.r, u.batch(ctx, batch)
}

// separator is an undo at work.
type separator struct {
	o   DedupUndoOptions
	how How
	top int

	mu sync.Mutex
	r  DedupUndo
}

// A copied file has a copy beside it, or needs none.
type copied struct {
	m    Member
	size int64
	dir  int
	made bool
	err  error
}

// batch copies some files, sees to it that the copies are on the disk, and has each
// take its place.
func (u *separator) batch(ctx context.Context, files []*copied) error {
	defer func() {
		for _, c := range files {
			if c.dir >= 0 {
				unix.Close(c.dir)
			}
		}
	}()
	for _, c := range files {
		c.dir = -1
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
			atStep()
			name := path.Base(c.m.Path)
			if err := unix.Renameat(c.dir, name+workEnding, c.dir, name); err != nil {
				return &fs.PathError{Op: "rename", Path: c.m.Path + workEnding, Err: err}
			}
			u.r.Back.add(c.size)
		}
		if u.o.Progress != nil {
			u.o.Progress(1, c.size)
		}
	}
	return nil
}

// copy makes a copy of a file that shares its bytes.
func (u *separator) copy(c *copied, buf []byte) {
	var err error
	if c.dir, err = fossology.OpenBeneath(u.top, path.Dir(c.m.Path)); err != nil {
		c.dir = -1
		u.none(c, err)
		return
	}
	name := path.Base(c.m.Path)
	fd, err := openFile(c.dir, name)
	if err != nil {
		u.none(c, err)
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if c.err = unix.Fstat(fd, &st); c.err != nil {
		return
	}
	if !u.shares(fd, &st, c) {
		tidy(c.dir, name+workEnding)
		u.mu.Lock()
		u.r.Apart.add(c.size)
		u.mu.Unlock()
		return
	}
	c.err = duplicate(fd, &st, c, name+workEnding, buf)
	c.made = c.err == nil
}

// none counts a file that cannot be opened.
func (u *separator) none(c *copied, err error) {
	if !errors.Is(err, unix.ENOENT) {
		c.err = err
		return
	}
	u.mu.Lock()
	u.r.Gone.add(c.size)
	u.mu.Unlock()
}

// shares says whether a file still shares its bytes with another one. One that FOSSology
// has written anew has bytes of its own.
func (u *separator) shares(fd int, st *unix.Stat_t, c *copied) bool {
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != c.size {
		return false
	}
	if u.how == Reflink {
		x, ok := firstExtent(fd)
		return ok && st.Ino == c.m.Inode && x.extentFlags&fiemapExtentShared != 0
	}
	return st.Ino != c.m.Inode && st.Nlink > 1
}

// duplicate copies a file's bytes, not its blocks.
func duplicate(from int, st *unix.Stat_t, c *copied, work string, buf []byte) (err error) {
	const flags = unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY | unix.O_CLOEXEC | unix.O_NOFOLLOW
	open := func() (int, error) { atStep(); return unix.Openat(c.dir, work, flags, 0o600) }
	to, err := open()
	if errors.Is(err, unix.EEXIST) && tidy(c.dir, work) == "" {
		to, err = open()
	}
	if err != nil {
		return fmt.Errorf("make a copy: %w", err)
	}
	defer func() {
		err = errors.Join(err, unix.Close(to))
		if err != nil {
			err = errors.Join(fmt.Errorf("make a copy: %w", err), unix.Unlinkat(c.dir, work, 0))
		}
	}()
	for at := int64(0); at < st.Size; {
		n, err := readAt(from, buf, at)
		if err != nil {
			return err
		}
		if n == 0 {
			return errors.New("it has become shorter")
		}
		for b := buf[:n]; len(b) > 0; {
			n, err := unix.Pwrite(to, b, at)
			if err != nil && !errors.Is(err, unix.EINTR) {
				return err
			}
			b, at = b[max(n, 0):], at+int64(max(n, 0))
		}
	}
	if err := unix.Fchown(to, int(c.m.UID), int(c.m.GID)); err != nil {
		return err
	}
	if err := copyAttributes(from, to); err != nil {
		return err
	}
	if err := unix.Fchmod(to, c.m.Mode&0o7777); err != nil {
		return err
	}
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(c.m.Mtime)}
	return unix.UtimesNanoAt(c.dir, work, times, unix.AT_SYMLINK_NOFOLLOW)
}

// copyAttributes copies the extended attributes, which both files had.
func copyAttributes(from, to int) error {
	var list [512]byte
	n, err := unix.Flistxattr(from, list[:])
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range attributeNames(list[:n]) {
		var value [4096]byte
		n, err := unix.Fgetxattr(from, name, value[:])
		if err == nil {
			err = unix.Fsetxattr(to, name, value[:n], 0)
		}
		if err != nil && !errors.Is(err, unix.ENOTSUP) {
			return fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	return nil
}
