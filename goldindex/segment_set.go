package goldindex

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Files of segments are segments/made-<n> and segments/read-<n>. What a family holds
// is what all its segments hold together, so there is no list of them: one that was
// merged and not removed says nothing new, and one that is damaged can be left out,
// because its golds, or files, are then ones that no segment speaks of.
const (
	madeFamily = "made"
	readFamily = "read"
)

// growth is how much larger than all smaller segments together one is left alone.
// A lookup looks into the logarithm of the rows to this base, and a row is copied
// as often.
const growth = 4

// openTries is how often the directory is read again because an update merged
// segments meanwhile.
const openTries = 20

// A segmentSet is all segments of a ledger, the largest first.
type segmentSet struct {
	dir    string
	made   []*segment
	read   []*segment
	next   int      // number of the next file
	broken []string // files that are damaged and left out
}

// openSegments opens all segments below a ledger.
func openSegments(ledger string) (*segmentSet, error) {
	for range openTries {
		s := &segmentSet{dir: filepath.Join(ledger, "segments"), next: 1}
		err := s.open()
		if err == nil {
			return s, nil
		}
		s.close()
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("open segments of %s: they change again and again", ledger)
}

func (s *segmentSet) open() error {
	files, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		family, number, ok := strings.Cut(f.Name(), "-")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || family != madeFamily && family != readFamily {
			continue
		}
		s.next = max(s.next, n+1)
		seg, err := openSegment(filepath.Join(s.dir, f.Name()), f.Name(), widthOf(family))
		if errors.Is(err, ErrDamaged) {
			s.broken = append(s.broken, f.Name())
			continue
		}
		if err != nil {
			return err
		}
		s.add(family, seg)
	}
	return nil
}

func widthOf(family string) int {
	if family == madeFamily {
		return madeWidth
	}
	return readWidth
}

func (s *segmentSet) family(name string) *[]*segment {
	if name == madeFamily {
		return &s.made
	}
	return &s.read
}

// add puts a segment into its place.
func (s *segmentSet) add(family string, seg *segment) {
	of := s.family(family)
	*of = append(*of, seg)
	slices.SortStableFunc(*of, func(a, b *segment) int { return cmp.Compare(b.rows, a.rows) })
}

// drop removes segments and their files.
func (s *segmentSet) drop(family string, gone []*segment) error {
	of := s.family(family)
	*of = slices.DeleteFunc(*of, func(x *segment) bool { return slices.Contains(gone, x) })
	var errs []error
	for _, g := range gone {
		errs = append(errs, g.f.Close(), remove(filepath.Join(s.dir, g.name)))
	}
	return errors.Join(errs...)
}

func (s *segmentSet) close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, seg := range slices.Concat(s.made, s.read) {
		errs = append(errs, seg.f.Close())
	}
	s.made, s.read = nil, nil
	return errors.Join(errs...)
}

// tidy removes the files that are damaged.
func (s *segmentSet) tidy() error {
	for _, name := range s.broken {
		if err := remove(filepath.Join(s.dir, name)); err != nil {
			return err
		}
	}
	s.broken = nil
	return nil
}

// check reads all pages and drops the segments that are damaged. It says how many. done
// is told of the bytes of each segment.
func (s *segmentSet) check(ctx context.Context, done func(int64)) (dropped int, err error) {
	for _, family := range []string{madeFamily, readFamily} {
		var gone []*segment
		for _, seg := range *s.family(family) {
			err := seg.from(nil, func([]byte) bool { return ctx.Err() == nil })
			done(seg.size)
			if errors.Is(err, ErrDamaged) {
				gone = append(gone, seg)
			} else if err != nil {
				return dropped, err
			}
		}
		dropped += len(gone)
		if err := errors.Join(ctx.Err(), s.drop(family, gone)); err != nil {
			return dropped, err
		}
	}
	return dropped, nil
}
