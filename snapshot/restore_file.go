package snapshot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// wholeFile is up to which size a file is read whole before it is written.
const wholeFile = 1 << 20

// A fileWriter writes files of a restore. It belongs to one goroutine.
type fileWriter struct {
	*restorer
	buf   []byte
	last  string // directory that is known to be there
	fresh bool   // last was made by this writer: nothing of the snapshot is in it yet
	noTmp bool   // the target has no unnamed files
	dev   uint64 // file system of the last file
}

func newFileWriter(r *restorer) *fileWriter {
	return &fileWriter{restorer: r, buf: make([]byte, wholeFile+1)}
}

// restore brings one file or link back.
func (w *fileWriter) restore(ctx context.Context, e *Entry) error {
	w.count.files.Add(1)
	if e.Kind == Symlink {
		w.count.symlinks.Add(1)
	}
	w.count.bytes.Add(e.Size)
	w.o.Progress.Files.Add(1)
	w.o.Progress.Bytes.Add(e.Size)
	if err := w.mkdirFor(e.Path); err != nil {
		return w.wrong(e, err)
	}
	there, right := w.present(ctx, e)
	if right {
		w.count.kept.Add(1)
		if !w.o.Plan {
			w.setMeta(e)
		}
		return nil
	}
	if !w.o.Plan {
		if err := w.write(ctx, e, there); err != nil {
			return w.wrong(e, err)
		}
	}
	w.wrote(e, there)
	return nil
}

// wrong turns what concerns one file alone into a finding, and everything else
// into an error that ends the restore.
func (w *fileWriter) wrong(e *Entry, err error) error {
	if e.Inode != 0 {
		w.lackMu.Lock()
		w.lacks[e.Path] = true
		w.lackMu.Unlock()
	}
	var damage *store.DamagedError
	var source *store.SourceError
	switch {
	case errors.As(err, &damage), errors.Is(err, store.ErrNoObject), errors.As(err, &source) && store.IsDiskFault(err):
		if e.LeftOut() { // what an earlier snapshot stored of it has rotted: nothing needed it, gold makes it
			w.count.files.Add(-1)
			w.count.bytes.Add(-e.Size)
			w.passOver(e)
			w.lackMu.Lock()
			w.leftovers.rotten[e.Path] = true
			w.lackMu.Unlock()
			return nil
		}
		w.count.damaged.Add(1)
		w.o.Findings.Add(ObjectLost, e.Path, "not restored: "+err.Error())
	case errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENOTDIR):
		w.o.Findings.Add(InTheWay, e.Path, "not restored: "+err.Error())
	default:
		return fmt.Errorf("%s: %w", e.Path, err)
	}
	return nil
}

// passOver counts a file that is for Rebuild to bring back.
func (r *restorer) passOver(e *Entry) {
	r.count.leftOut.Add(1)
	r.count.leftSize.Add(e.Size)
}

func (w *fileWriter) wrote(e *Entry, there bool) {
	w.count.newBytes.Add(e.Size)
	if there {
		w.count.replaced.Add(1)
	} else {
		w.count.written.Add(1)
	}
}

// present says whether there is something at the entry's path, and whether it
// is right: for a file that means its bytes, read and hashed, and that to put its
// owner, mode and time right changes no other file.
func (w *fileWriter) present(ctx context.Context, e *Entry) (there, right bool) {
	if w.fd < 0 || w.fresh {
		return false, false
	}
	if e.Kind == Symlink {
		n, err := unix.Readlinkat(w.fd, e.Path, w.buf)
		return err == nil || errors.Is(err, unix.EINVAL), err == nil && string(w.buf[:n]) == e.Target
	}
	fd, err := store.OpenUntouched(w.fd, e.Path)
	if err != nil {
		return !errors.Is(err, unix.ENOENT), false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != e.Size {
		return true, false
	}
	if w.shared(&st, e) {
		return true, false
	}
	got, _, err := store.HashFD(ctx, fd, w.buf)
	return true, err == nil && (got == e.Object || e.Size == 0)
}

// mkdirFor makes the directories that a path lies in; a plan only looks at them.
func (w *fileWriter) mkdirFor(path string) error {
	dir := path[:max(0, strings.LastIndexByte(path, '/'))]
	if dir == w.last || w.fd < 0 {
		return nil
	}
	if w.o.Plan {
		err := w.enterAll(dir, w.last)
		if err == nil {
			w.last = dir
		}
		return err
	}
	w.fresh = false
	pass := func(part string, isNew bool) error {
		w.fresh = isNew && part == dir
		return w.passDir(part, isNew)
	}
	if err := mkdirs(w.fd, dir, w.last, w.dirMode, pass); err != nil {
		return err
	}
	w.last = dir
	return nil
}

// write puts the entry in its place, complete or not at all.
func (w *fileWriter) write(ctx context.Context, e *Entry, there bool) error {
	if e.Kind == Symlink {
		if err := w.symlink(e, there); err != nil {
			return err
		}
		if !w.o.NoOwner {
			if err := unix.Fchownat(w.fd, e.Path, int(e.UID), int(e.GID), unix.AT_SYMLINK_NOFOLLOW); err != nil {
				w.foreign(e.Path, owner(e.UID, e.GID), err)
			}
		}
		return nil
	}
	return w.writeFile(e, there, func(fd int) error { return w.fill(ctx, fd, e) })
}

// writeFile makes a file that appears when fill has succeeded.
func (w *fileWriter) writeFile(e *Entry, there bool, fill func(fd int) error) error {
	fd, name, err := w.create(e.Path, e.Mode&0o777)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = fill(fd)
	if err == nil {
		w.setFD(fd, e)
		err = w.place(fd, name, e.Path, there)
	}
	if err != nil && name != "" {
		unix.Unlinkat(w.fd, name, 0)
	}
	return err
}

// fill copies the object and checks it on the way.
func (w *fileWriter) fill(ctx context.Context, dst int, e *Entry) error {
	if e.Object.IsZero() {
		return nil
	}
	src, err := w.Store.OpenFD(e.Object)
	if store.IsDiskFault(err) {
		return &store.SourceError{Err: err}
	}
	if err != nil {
		return err
	}
	defer unix.Close(src)
	size, got, err := store.Copy(ctx, dst, src, e.Size, w.buf)
	if err != nil {
		return err
	}
	if got != e.Object || size != e.Size {
		return &store.DamagedError{Object: e.Object, Got: got, Size: size}
	}
	return nil
}
