package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"repotool/snapshot"
	"repotool/store"
)

// checkDay checks that the day directory shows what it should: a link, an empty
// file, or an object, as the same inode, or, where the object was renewed since,
// as the same bytes.
func checkDay(ctx context.Context, s *snapshot.Snapshot, u snapshot.Use, layout snapshot.Layout, found *findings) {
	path, ok := dayPath(s, u, layout)
	if !ok {
		return
	}
	if err := shows(ctx, s, u, path); err != nil && ctx.Err() == nil {
		found.day(s, path, err.Error())
	}
}

// dayPath is where the day shows it; the manifest's own objects are not shown.
func dayPath(s *snapshot.Snapshot, u snapshot.Use, layout snapshot.Layout) (string, bool) {
	switch {
	case u.Entry != nil && !u.InDay:
		return "", false
	case u.Entry != nil:
		return s.DayPath(u.Entry, layout)
	case layout == snapshot.LayoutNone || !strings.HasPrefix(u.For, "database/"):
		return "", false
	}
	return dayDir(s) + "/" + u.For, true
}

func dayDir(s *snapshot.Snapshot) string { return "days/" + s.Manifest.Installation + "/" + s.Name() }

func shows(ctx context.Context, s *snapshot.Snapshot, u snapshot.Use, path string) error {
	var day unix.Stat_t
	if err := unix.Lstat(s.Store.Path(path), &day); err != nil {
		if !u.Object.IsZero() {
			if _, lost := s.Store.Stat(u.Object); errors.Is(lost, store.ErrNoObject) {
				return nil // a finding of its own; the day was made without it
			}
		}
		return err
	}
	switch {
	case u.Entry != nil && u.Entry.Kind == snapshot.Symlink:
		target, err := os.Readlink(s.Store.Path(path))
		if err == nil && target != u.Entry.Target {
			err = fmt.Errorf("it leads to %q, not to %q", target, u.Entry.Target)
		}
		return err
	case day.Mode&unix.S_IFMT != unix.S_IFREG:
		return errors.New("it is no regular file")
	case u.Object.IsZero():
		if day.Size != 0 {
			return fmt.Errorf("it has %d bytes, not 0", day.Size)
		}
		return nil
	}
	info, err := s.Store.Stat(u.Object)
	if err != nil || info.Inode == day.Ino {
		return nil // a lost object is a finding of its own
	}
	fd, err := store.OpenUntouched(unix.AT_FDCWD, s.Store.Path(path))
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	got, _, err := store.HashFD(ctx, fd, make([]byte, 64<<10))
	if err == nil && got != u.Object {
		err = fmt.Errorf("its bytes hash to %s", got)
	}
	return err
}

// checkDayOwn checks what is in a day and not in the repository: RESTORE.txt,
// whose commands root is told to run, and database/, whose pieces are restored
// by hand with a pattern, so that none may be too many.
func checkDayOwn(ctx context.Context, s *snapshot.Snapshot, layout snapshot.Layout, found *findings) {
	if err := saysRight(ctx, s, layout); err != nil && ctx.Err() == nil {
		found.day(s, restoreText(s), err.Error())
	}
	for _, path := range foreignPieces(s) {
		found.day(s, path, "it does not belong to this snapshot")
	}
	if len(s.Manifest.Chain) > 0 {
		if err := s.CheckRemovedList(); err != nil {
			found.day(s, removedList(s), err.Error())
		}
	}
	if s.Manifest.LeftOut.Files > 0 {
		list := dayDir(s) + "/" + snapshot.RebuildList
		if info, err := os.Stat(s.Store.Path(list)); err != nil {
			found.day(s, list, err.Error())
		} else if info.Size() == 0 {
			found.day(s, list, "it is empty")
		}
	}
}

func removedList(s *snapshot.Snapshot) string { return dayDir(s) + "/" + snapshot.RemovedList }

func restoreText(s *snapshot.Snapshot) string { return dayDir(s) + "/RESTORE.txt" }

// saysRight compares RESTORE.txt with what the snapshot's run wrote, or, if
// that was not recorded or a repair wrote it since, with what is written today.
func saysRight(ctx context.Context, s *snapshot.Snapshot, layout snapshot.Layout) error {
	b, err := os.ReadFile(s.Store.Path(restoreText(s)))
	if err != nil || store.Sum(b) == s.Manifest.RestoreText {
		return err
	}
	want, err := s.RestoreText(ctx, layout)
	if err == nil && !bytes.Equal(b, want) {
		return errors.New("it is not the one that was written for this snapshot: do not run what it says")
	}
	return nil // a manifest that cannot be read is a finding of its own
}

// foreignPieces are the files below database/ of a day that are no pieces of
// the snapshot's dump. Pieces that are not there are found as objects that the
// day does not show.
func foreignPieces(s *snapshot.Snapshot) (foreign []string) {
	pieces := map[string]bool{}
	if s.Manifest.Database != nil {
		for _, part := range s.Manifest.Database.Parts {
			for i := range part.Pieces {
				pieces["database/"+part.PieceName(i)] = true
			}
		}
	}
	_ = fs.WalkDir(os.DirFS(s.Store.Path(dayDir(s))), "database", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !pieces[path] {
			foreign = append(foreign, dayDir(s)+"/"+path)
		}
		return nil
	})
	return foreign
}
