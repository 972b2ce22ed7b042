package snapshot

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// dir records a directory where the usual rule does not say it all.
func (s *scan) dir(ctx context.Context, e fossology.Event, it item) error {
	s.frames = append(s.frames, frame{e.Path, e.Kind == fossology.DirRead})
	s.result.dirs++
	if err := s.cache.add(fossology.Dir{Path: e.Path, Signature: e.Known}); err != nil {
		return err
	}
	if e.Kind == fossology.DirSame {
		return nil
	}
	s.result.dirsRead++
	s.owners.sees(ctx, e.Stat.UID, e.Stat.GID)
	meta := DirMeta{e.Stat.Mode & 0o7777, e.Stat.UID, e.Stat.GID}
	upper := strings.Count(e.Path, "/") < 2 // few, and often unlike the rest
	if s.dirMeta == nil && !upper {
		s.dirMeta = &meta
	}
	it.entry = Entry{Path: e.Path, Kind: Dir, Mode: meta.Mode, UID: meta.UID, GID: meta.GID}
	wanted := upper || e.Stat.Size == 0 || meta != *s.dirMeta
	switch {
	case !wanted && !it.had || wanted && it.had && it.prev == it.entry:
		return nil
	case !wanted:
		it.entry = Entry{Path: e.Path, Kind: removed}
	}
	return s.add(ctx, it)
}

// file decides whether a file must be read.
func (s *scan) file(ctx context.Context, e fossology.Event, it item) error {
	s.progress.Files.Add(1)
	s.owners.sees(ctx, e.Stat.UID, e.Stat.GID)
	it.entry = Entry{Path: e.Path, Mode: e.Stat.Mode & 0o7777, UID: e.Stat.UID, GID: e.Stat.GID, Mtime: e.Stat.Mtime, Size: e.Stat.Size}
	if e.Stat.Links > 1 {
		it.entry.Inode = e.Stat.Inode
	}
	switch e.Stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		if s.leaveOut(&it.entry, &it.prev) {
			break
		}
		if s.unchanged(&it) {
			it.entry.Object = it.prev.Object
		} else {
			it.read = true
		}
		if _, named := it.entry.Name(s.depth); !named && it.entry.Mtime > s.start.Add(-mayGrow).UnixNano() {
			s.retry(e.Path)
		}
	case unix.S_IFLNK:
		return s.symlink(ctx, it)
	default:
		it.problem = &Finding{SpecialFile, e.Path, "not kept"}
		it.gone = true
	}
	if it.had && !it.read && it.problem == nil && it.prev == it.entry {
		return nil
	}
	return s.add(ctx, it)
}

// mayGrow is how long after its last change a file without a Name, a log, is
// looked at by every scan: it grows in place, and its directory shows nothing.
const mayGrow = 48 * time.Hour

// unchanged says whether the known entry's bytes still stand for the file:
// same Name and size means same bytes; a file without a Name must not have
// been written since.
func (s *scan) unchanged(it *item) bool {
	if !it.had || it.prev.Kind != File || s.readAll || s.suspects[it.entry.Path] || it.prev.Size != it.entry.Size {
		return false
	}
	if name, ok := it.entry.Name(s.depth); ok {
		return name.Size == it.entry.Size && (!it.prev.LeftOut() || s.stillStored(&it.prev))
	}
	return it.prev.Mtime == it.entry.Mtime
}

func (s *scan) symlink(ctx context.Context, it item) error {
	buf := make([]byte, 4096)
	n, err := unix.Readlinkat(s.rootFD, it.entry.Path, buf)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		it.problem = &Finding{Unreadable, it.entry.Path, err.Error()}
		return s.add(ctx, it)
	}
	it.entry.Kind, it.entry.Target, it.entry.Size, it.entry.Inode = Symlink, string(buf[:n]), 0, 0
	var st unix.Stat_t
	if unix.Fstatat(s.rootFD, it.entry.Path, &st, 0) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		s.report(Finding{LinkedDirectory, it.entry.Path, "leads to " + it.entry.Target})
	}
	if it.had && it.prev == it.entry {
		return nil
	}
	return s.add(ctx, it)
}
