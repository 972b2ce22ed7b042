package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"
)

// Info is what List says of an object.
type Info struct {
	Object Hash
	Size   int64
	Links  uint64 // a hint only: days that refer to it, plus one
	Inode  uint64
	Device uint64
	Mode   uint32 // type and rights, as stat(2) has them
	UID    uint32 // its owner
	Disk   int64  // bytes of the blocks that it has
}

// Open opens an object for reading. The bytes are not checked, see Check.
// The error wraps ErrNoObject when it is not there.
func (s *Store) Open(h Hash) (*os.File, error) {
	fd, err := s.OpenFD(h)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), s.Path("objects", h.path())), nil
}

// OpenFD is Open for those who count system calls; the caller closes it.
func (s *Store) OpenFD(h Hash) (int, error) {
	fd := -1
	err := s.find(h, func(dirfd int, path string) (err error) {
		fd, err = OpenUntouched(dirfd, path)
		return err
	})
	return fd, err
}

// find calls f with the places where an object may be until its error is not ENOENT. A
// collection may bring the object back from quarantine between the two looks, so
// objects/ is looked at once more.
func (s *Store) find(h Hash, f func(dirfd int, path string) error) error {
	err := f(s.objects, h.path())
	if errors.Is(err, unix.ENOENT) && !s.inQuarantine(h, func(path string) bool {
		err = f(unix.AT_FDCWD, path)
		return err == nil
	}) && errors.Is(err, unix.ENOENT) {
		err = f(s.objects, h.path())
	}
	if errors.Is(err, unix.ENOENT) {
		err = ErrNoObject
	}
	if err != nil {
		return fmt.Errorf("object %s: %w", h, err)
	}
	return nil
}

// openNeeded is OpenFD for who is going to refer to the object: one in quarantine
// comes back.
func (s *Store) openNeeded(h Hash) (int, error) {
	fd, err := OpenUntouched(s.objects, h.path())
	if err == nil {
		return fd, nil
	}
	if errors.Is(err, unix.ENOENT) {
		if _, err := s.reclaim(h); err != nil {
			return -1, err
		}
	}
	return s.OpenFD(h)
}

func infoOf(h Hash, st *unix.Stat_t) Info {
	return Info{h, st.Size, uint64(st.Nlink), st.Ino, uint64(st.Dev), st.Mode, st.Uid, st.Blocks * 512}
}

// Stat asks the file system about an object, and reads nothing of it.
func (s *Store) Stat(h Hash) (Info, error) {
	var st unix.Stat_t
	err := s.find(h, func(dirfd int, path string) error {
		return unix.Fstatat(dirfd, path, &st, unix.AT_SYMLINK_NOFOLLOW)
	})
	if err != nil {
		return Info{}, err
	}
	return infoOf(h, &st), nil
}

// Need is Stat for who is going to refer to the object without putting it: one in
// quarantine comes back.
func (s *Store) Need(h Hash) (Info, error) {
	var st unix.Stat_t
	if errors.Is(unix.Fstatat(s.objects, h.path(), &st, unix.AT_SYMLINK_NOFOLLOW), unix.ENOENT) {
		if _, err := s.reclaim(h); err != nil {
			return Info{}, err
		}
	}
	return s.Stat(h)
}

// Check reads an object and returns a *DamagedError if its bytes are not those
// of its name. buf is scratch space.
func (s *Store) Check(ctx context.Context, h Hash, buf []byte) (int64, error) {
	fd, err := s.OpenFD(h)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if s.cold.Load() {
		_ = unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) // a kernel that cannot reads from memory
	}
	return checkFD(ctx, fd, h, buf)
}

func checkFD(ctx context.Context, fd int, h Hash, buf []byte) (int64, error) {
	got, size, err := HashFD(ctx, fd, buf)
	if err != nil {
		return size, fmt.Errorf("read object %s: %w", h, err)
	}
	if got != h {
		return size, &DamagedError{h, got, size}
	}
	return size, nil
}

// state says whether an object that is needed is there, and whether its bytes are those
// of its name. An object that the disk does not give back is there and not good.
func (s *Store) state(ctx context.Context, h Hash, buf []byte) (there, good bool, err error) {
	fd, err := s.openNeeded(h)
	if err == nil {
		_, err = checkFD(ctx, fd, h, buf)
		unix.Close(fd)
	}
	var damaged *DamagedError
	switch {
	case err == nil:
		return true, true, nil
	case errors.Is(err, ErrNoObject):
		return false, false, nil
	case errors.As(err, &damaged), IsDiskFault(err):
		return true, false, nil
	}
	return false, false, err
}

// HashFD hashes what is left of an open file. buf is scratch space.
func HashFD(ctx context.Context, fd int, buf []byte) (h Hash, size int64, err error) {
	n, err := readFull(fd, buf)
	if err == nil && n < len(buf) {
		return Sum(buf[:n]), int64(n), nil
	}
	hasher := blake3.New()
	for err == nil && n > 0 {
		hasher.Write(buf[:n])
		size += int64(n)
		if err = ctx.Err(); err == nil {
			n, err = readFull(fd, buf)
		}
	}
	hasher.Sum(h[:0])
	return h, size, err
}

// List yields all objects in the order of their names. What stands among them
// and is no object is passed over. A folder that cannot be read is a [FolderError];
// the others follow.
func (s *Store) List(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for i := range 256 {
			if err := ctx.Err(); err != nil {
				yield(Info{}, err)
				return
			}
			if !s.listFolder(byte(i), yield) {
				return
			}
		}
	}
}

func (s *Store) listFolder(b byte, yield func(Info, error) bool) bool {
	entries, err := os.ReadDir(s.Path("objects", Hash{b}.path()[:2]))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return yield(Info{}, &FolderError{Folder: "objects/" + Hash{b}.path()[:2], Err: err})
	}
	for _, e := range entries {
		h, err := ParseHash(e.Name())
		if err != nil || h[0] != b {
			continue
		}
		info, err := s.Stat(h)
		if errors.Is(err, ErrNoObject) {
			continue
		}
		info.Object = h // whatever is wrong with it
		if !yield(info, err) {
			return false
		}
	}
	return true
}

// Link makes name in the directory dirfd a hard link to an object. When the
// object has all the links its file system allows, the object is renewed: a
// checked copy takes its place, and the old inode lives on in the days.
func (s *Store) Link(ctx context.Context, h Hash, dirfd int, name string) error {
	err := unix.Linkat(s.objects, h.path(), dirfd, name, 0)
	if errors.Is(err, unix.ENOENT) {
		if _, err = s.reclaim(h); err == nil { // or a collection has
			err = unix.Linkat(s.objects, h.path(), dirfd, name, 0)
		}
	}
	if errors.Is(err, unix.EMLINK) {
		if err := s.renew(ctx, h); err != nil {
			return err
		}
		err = unix.Linkat(s.objects, h.path(), dirfd, name, 0)
	}
	if errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("link object %s: %w", h, ErrNoObject)
	}
	if err != nil {
		return fmt.Errorf("link object %s as %s: %w", h, name, err)
	}
	return nil
}

// Copy copies the bytes of the file src to dst, which is empty, and hashes what
// it copies. What cannot be read is a *SourceError. Long runs of zeros become
// holes. want is the size that src is thought to have, buf scratch space of more
// than a MiB.
func Copy(ctx context.Context, dst, src int, want int64, buf []byte) (size int64, h Hash, err error) {
	n, err := readFull(src, expected(buf, want))
	if err == nil && n < len(buf) {
		return int64(n), Sum(buf[:n]), writeFull(dst, buf[:n])
	}
	if err == nil {
		_, err = unix.Seek(src, 0, 0)
	}
	if err != nil {
		return 0, h, &SourceError{err}
	}
	w := &Writer{buf: buf}
	h, size, err = w.copyTo(ctx, dst, src, nil)
	return size, h, err
}

// renew gives an object a new inode.
func (s *Store) renew(ctx context.Context, h Hash) error {
	s.renewMu.Lock()
	defer s.renewMu.Unlock()
	fd, err := s.OpenFD(h)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	w := s.NewWriter()
	tmp, err := w.stage()
	if err != nil {
		return err
	}
	defer tmp.discard()
	got, size, err := w.copyTo(ctx, tmp.fd, fd, nil)
	if err != nil {
		return fmt.Errorf("renew object %s: %w", h, err)
	}
	if got != h {
		return &DamagedError{h, got, size}
	}
	return tmp.replace(h)
}

// expected is the part of b that a file of a known size fills. Asking for just
// that saves the second read, which would only say that the file is at its end.
func expected(b []byte, size int64) []byte {
	if size > 0 && size < int64(len(b)) {
		return b[:size]
	}
	return b
}

// readFull fills b as far as the file goes.
func readFull(fd int, b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m, err := unix.Read(fd, b[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// writeFull writes all of b; a short write without an error is a full disk.
func writeFull(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrShortWrite
		}
		b = b[n:]
	}
	return nil
}
