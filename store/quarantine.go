package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// The quarantine holds objects that nothing referred to when garbage was collected,
// as quarantine/<generation>/ab/<hash>. They still are objects of the store: reading
// finds them there, and whoever puts or links one brings it back into objects/. Only
// a later collection deletes them, see package snapshot.

const quarantine = "quarantine"

// generationDir is the directory of a generation, below the store.
func generationDir(generation uint64) string {
	return filepath.Join(quarantine, strconv.FormatUint(generation, 10))
}

// Generations lists those of the quarantine, oldest first. None is usual.
func (s *Store) Generations() ([]uint64, error) {
	entries, err := os.ReadDir(s.Path(quarantine))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the quarantine: %w", err)
	}
	var list []uint64
	for _, e := range entries {
		n, err := strconv.ParseUint(e.Name(), 10, 64)
		if err == nil && e.IsDir() && strconv.FormatUint(n, 10) == e.Name() {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list, nil
}

// NewGeneration begins a generation of the quarantine that is newer than all that
// there are and all that living processes know of. It is called in Exclusive.
func (s *Store) NewGeneration(leases []Lease) (uint64, error) {
	list, err := s.Generations()
	if err != nil {
		return 0, err
	}
	newest := uint64(0)
	if n := len(list); n > 0 {
		newest = list[n-1]
	}
	for _, l := range leases {
		newest = max(newest, l.Generation)
	}
	dir, err := s.Folder(quarantine)
	if err != nil {
		return 0, err
	}
	// Not through a link: what is moved must stay in this store.
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return 0, fmt.Errorf("begin a generation of the quarantine: %w", &fs.PathError{Op: "open", Path: dir, Err: unix.ENOTDIR})
	}
	if err := s.mkdir(s.Path(generationDir(newest + 1))); err != nil {
		return 0, fmt.Errorf("begin a generation of the quarantine: %w", err)
	}
	return newest + 1, s.SyncDir(dir)
}

// inQuarantine calls f with the places where an object may be in quarantine, the
// newest first, until it says that it was there.
func (s *Store) inQuarantine(h Hash, f func(path string) bool) bool {
	list, _ := s.Generations() // one that cannot be listed hides objects, as lost ones are
	for _, generation := range slices.Backward(list) {
		if f(s.Path(generationDir(generation), h.path())) {
			return true
		}
	}
	return false
}

// reclaim brings an object back from quarantine, and says whether it was there. Its
// name there stays: the next collection removes it.
func (s *Store) reclaim(h Hash) (back bool, err error) {
	s.inQuarantine(h, func(path string) bool {
		back, err = s.reclaimFrom(path, h)
		if errors.Is(err, unix.EEXIST) { // somebody was faster
			back, err = true, nil
		}
		return back || err != nil
	})
	return back, err
}

// reclaimFrom is reclaim for one place. EEXIST is returned bare.
func (s *Store) reclaimFrom(path string, h Hash) (bool, error) {
	err := s.linkBack(path, h)
	if errors.Is(err, unix.ENOENT) && exists(path) { // its folder is missing
		if _, err := s.Folder("objects/" + h.path()[:2]); err != nil {
			return false, fmt.Errorf("bring object %s back: %w", h, err)
		}
		err = s.linkBack(path, h)
	}
	if errors.Is(err, unix.EMLINK) { // it has as many names as can be: this one moves
		err = unix.Renameat2(unix.AT_FDCWD, path, s.objects, h.path(), unix.RENAME_NOREPLACE)
	}
	switch {
	case err == nil, errors.Is(err, unix.EEXIST):
		return err == nil, err
	case errors.Is(err, unix.ENOENT):
		return false, nil
	}
	return false, fmt.Errorf("bring object %s back: %w", h, err)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// Quarantine moves an object into a generation of the quarantine. What is no regular
// file stays.
func (s *Store) Quarantine(generation uint64, h Hash) (Info, error) {
	info, err := s.statAt(s.objects, h.path(), h)
	if err != nil {
		return info, err
	}
	path := s.Path(generationDir(generation), h.path())
	err = s.moveAway(h, path)
	if errors.Is(err, unix.ENOENT) {
		if err := s.mkdir(filepath.Dir(path)); err != nil && !errors.Is(err, fs.ErrExist) {
			return info, fmt.Errorf("put object %s into quarantine: %w", h, err)
		}
		err = s.moveAway(h, path)
	}
	if err != nil {
		return info, fmt.Errorf("put object %s into quarantine: %w", h, err)
	}
	return info, nil
}

// InPlace says whether an object is in objects/, and not, or not only, in quarantine.
func (s *Store) InPlace(h Hash) bool {
	_, err := s.statAt(s.objects, h.path(), h)
	return err == nil
}

// Return brings an object of a generation back into objects/, and says whether it was
// not there. Expel then takes it out of the quarantine; between the two the caller syncs.
func (s *Store) Return(generation uint64, h Hash) (back bool, err error) {
	back, err = s.reclaimFrom(s.Path(generationDir(generation), h.path()), h)
	if errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	return back, err
}

// Expel takes an object out of a generation of the quarantine. Links says how many
// names its bytes had until then.
func (s *Store) Expel(generation uint64, h Hash) (Info, error) {
	path := filepath.Join(generationDir(generation), h.path())
	info, err := s.statAt(unix.AT_FDCWD, s.Path(path), h)
	if err == nil {
		err = s.Remove(s.Path(path))
	}
	if err != nil {
		return info, fmt.Errorf("delete %s: %w", path, err)
	}
	return info, nil
}

// statAt asks about the regular file at a path.
func (s *Store) statAt(dirfd int, path string, h Hash) (Info, error) {
	var st unix.Stat_t
	err := unix.Fstatat(dirfd, path, &st, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case errors.Is(err, unix.ENOENT):
		err = ErrNoObject
	case err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG:
		err = ErrNoFile
	}
	if err != nil {
		return Info{}, fmt.Errorf("object %s: %w", h, err)
	}
	return infoOf(h, &st), nil
}

// ErrNoFile: what has the name of an object is a link or a directory.
var ErrNoFile = errors.New("it is no regular file")

// Names yields the names of the objects in one folder, in no order, and in memory that
// does not grow with their number; of objects/ for generation 0, else of that of the
// quarantine. A folder that cannot be read, or is a link, is a [FolderError].
func (s *Store) Names(ctx context.Context, generation uint64, folder byte) iter.Seq2[Hash, error] {
	path := filepath.Join("objects", Hash{folder}.path()[:2])
	if generation > 0 {
		path = filepath.Join(generationDir(generation), Hash{folder}.path()[:2])
	}
	return func(yield func(Hash, error) bool) {
		fd, err := unix.Open(s.Path(path), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		if errors.Is(err, unix.ENOENT) {
			return
		}
		if err != nil {
			yield(Hash{}, &FolderError{Folder: path, Err: err})
			return
		}
		dir := os.NewFile(uintptr(fd), s.Path(path))
		defer dir.Close()
		for {
			names, err := dir.Readdirnames(namesAtOnce)
			for _, name := range names {
				h, err := ParseHash(name)
				if err == nil && h[0] == folder && !yield(h, nil) {
					return
				}
			}
			if len(names) == 0 {
				if err != nil && !errors.Is(err, io.EOF) {
					yield(Hash{}, &FolderError{Folder: path, Err: err})
				}
				return
			}
			if err := ctx.Err(); err != nil {
				yield(Hash{}, err)
				return
			}
		}
	}
}

// namesAtOnce is how many names of a folder are in memory.
const namesAtOnce = 1024

// CloseGenerations removes the directories of the quarantine that are empty.
func (s *Store) CloseGenerations() error {
	list, err := s.Generations()
	if err != nil {
		return err
	}
	for _, generation := range list {
		dir := s.Path(generationDir(generation))
		entries, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("list the quarantine: %w", err)
		}
		full := 0
		for _, e := range entries {
			if s.rmdir(filepath.Join(dir, e.Name())) != nil { // it is not empty, mostly
				full++
			}
		}
		if full > 0 {
			continue
		}
		if err := s.rmdir(dir); err != nil {
			return fmt.Errorf("close a generation of the quarantine: %w", err)
		}
	}
	return nil
}
