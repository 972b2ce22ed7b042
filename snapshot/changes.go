package snapshot

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/blake3"

	"repotool/fossology"
	"repotool/store"
)

// In a cycle, the day of each snapshot but the first holds what changed since the day
// before, and a list of what is to be removed before that is copied over it. The manifest
// is complete all the same, and names the days that its own builds on (Manifest.Chain).

// RemovedList is the file of such a day that lists paths of the repository that are gone,
// and those where something else stands now. Each ends in a zero byte.
const RemovedList = "REMOVED.zst"

// A dayEntry is an entry of a manifest, and what a day makes of it.
type dayEntry struct {
	Entry
	shown  bool // the day shows it
	absent bool // it is not in the manifest, but was in the one before
	remove bool // what the days before show in its place has to go
}

// dayEntries yields the entries of a manifest, and of a day that builds on others also
// those that are no more.
func dayEntries(ctx context.Context, st *store.Store, m *Manifest) iter.Seq2[dayEntry, error] {
	return func(yield func(dayEntry, error) bool) {
		all := entries(ctx, st, m.Segments, "")
		if len(m.Chain) == 0 {
			for e, err := range all {
				if !yield(dayEntry{Entry: e, shown: e.inDay()}, err) {
					return
				}
			}
			return
		}
		before, err := loadManifest(st, m.Installation, m.Chain[len(m.Chain)-1])
		if err != nil {
			yield(dayEntry{}, fmt.Errorf("the day before: %w", err))
			return
		}
		byPath := func(a, b Entry) int { return fossology.ComparePaths(a.Path, b.Path) }
		for p, err := range pairs(entries(ctx, st, before.Segments, ""), all, byPath) {
			if err != nil {
				yield(dayEntry{}, err)
				return
			}
			if !yield(changed(p.a, p.b, m.Depth), nil) {
				return
			}
		}
	}
}

// dayEntries are those of the snapshot. Where nothing is known of the snapshot on which its
// day builds, which is told of that one, nothing is said to be in the day.
func (s *Snapshot) dayEntries(ctx context.Context) iter.Seq2[dayEntry, error] {
	if n := len(s.Manifest.Chain); n > 0 {
		if _, err := loadManifest(s.Store, s.Manifest.Installation, s.Manifest.Chain[n-1]); err != nil {
			return func(yield func(dayEntry, error) bool) {
				for e, err := range s.Entries(ctx, "") {
					if !yield(dayEntry{Entry: e}, err) {
						return
					}
				}
			}
		}
	}
	return dayEntries(ctx, s.Store, s.Manifest)
}

// changed says what a day makes of what the day before had at a path, and what is there
// now. One of them may be nil.
func changed(before, now *Entry, depth int) dayEntry {
	switch {
	case now == nil:
		return dayEntry{Entry: *before, absent: true, remove: before.Kind != Dir}
	case before == nil:
		// A directory may have stood there. Where FOSSology puts files, there is none.
		return dayEntry{Entry: *now, shown: now.inDay(), remove: now.Kind != Dir && strings.HasPrefix(dayPath(now, LayoutFlat, depth), "other/")}
	}
	other := !before.contentEqual(now)
	return dayEntry{Entry: *now, shown: now.inDay() && (other || before.LeftOut()), remove: other}
}

// inDay says whether a complete day shows an entry.
func (e *Entry) inDay() bool { return e.Kind != Dir && !e.LeftOut() }

// A removedList writes RemovedList.
type removedList struct {
	list dayList
	hash *blake3.Hasher
	row  []byte
}

func newRemovedList(name string) *removedList {
	return &removedList{list: dayList{name: name}, hash: blake3.New()}
}

func (l *removedList) add(path string) error {
	l.row = append(append(l.row[:0], path...), 0)
	l.hash.Write(l.row)
	if err := l.list.write(l.row); err != nil {
		return fmt.Errorf("list what is gone: %w", err)
	}
	return nil
}

// close completes the list, which is there also if it is empty, and returns its hash.
func (l *removedList) close() (sum store.Hash, err error) {
	if err := l.list.write(nil); err != nil {
		return sum, fmt.Errorf("list what is gone: %w", err)
	}
	l.hash.Sum(sum[:0])
	return sum, l.list.close()
}

// WriteRemovedList makes the file again that a day has under RemovedList, at name, which
// must not be there.
func (s *Snapshot) WriteRemovedList(ctx context.Context, name string) error {
	l := newRemovedList(name)
	defer l.list.discard()
	for e, err := range dayEntries(ctx, s.Store, s.Manifest) {
		if err == nil && e.remove {
			err = l.add(e.Path)
		}
		if err != nil {
			return err
		}
	}
	sum, err := l.close()
	if err == nil && sum != s.Manifest.Removed {
		err = errors.New("it is not the one that was written")
	}
	return err
}

// CheckRemovedList compares the list of a day with what was written.
func (s *Snapshot) CheckRemovedList() error {
	hash := blake3.New()
	err := readRemoved(filepath.Join(daysDir(s.Store, s.Manifest.Installation), s.Name()), func(path string) error {
		_, err := hash.Write(append([]byte(path), 0))
		return err
	})
	var sum store.Hash
	hash.Sum(sum[:0])
	if err == nil && sum != s.Manifest.Removed {
		err = errors.New("it is not the one that was written for this snapshot")
	}
	return err
}

// readRemoved reads the list of a day.
func readRemoved(day string, each func(path string) error) error {
	f, err := os.Open(filepath.Join(day, RemovedList))
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	in := bufio.NewReaderSize(z, 64<<10)
	for {
		path, err := in.ReadString(0)
		if err == io.EOF && path == "" {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", RemovedList, cut(err))
		}
		if err := each(path[:len(path)-1]); err != nil {
			return err
		}
	}
}

// cut is the error of a list that ends within a path.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
