package goldindex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// found is a file of the repository under its Name.
type found struct {
	name fossology.Name
	path string
	stat fossology.Stat
}

// An oddity is something in the repository that has no Name, or cannot be read.
type oddity struct {
	path string
	err  error // nil: it has no Name, or does not lie where a file of its Name belongs
	stat fossology.Stat
}

// contents yields the files of one type of all hosts in the order of their Names,
// each Name once, as FOSSology reads one of several. Oddities are told beside it.
func contents(ctx context.Context, repo fossology.Repository, typ string, odd func(oddity)) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		tops, err := repo.Tops()
		if err != nil {
			yield(found{}, err)
			return
		}
		m := &hostMerge{}
		defer m.stop()
		for _, top := range tops {
			if path.Base(top) != typ {
				continue
			}
			if err := m.add(named(ctx, repo, top, odd)); err != nil {
				yield(found{}, err)
				return
			}
		}
		for {
			f, err := m.next()
			if err != nil {
				yield(found{}, err)
				return
			}
			if f == nil || !yield(*f, nil) {
				return
			}
		}
	}
}

// named yields the files of one host and type that have a Name and lie in its place.
func named(ctx context.Context, repo fossology.Repository, top string, odd func(oddity)) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		for e, err := range fossology.Walk(ctx, filepath.Join(repo.Path, top), fossology.WalkOptions{}) {
			if err != nil {
				yield(found{}, err)
				return
			}
			full := filepath.Join(repo.Path, top, e.Path)
			switch {
			case e.Kind == fossology.Unreadable:
				odd(oddity{path: full, err: at(full, e.Err)})
			case e.Kind == fossology.FileFound:
				base := path.Base(e.Path)
				n, ok := fossology.ParseName(base)
				if !ok || e.Stat.Mode&unix.S_IFMT != unix.S_IFREG || e.Path != path.Join(fossology.FanOut(base, repo.Depth), base) {
					odd(oddity{path: full, stat: e.Stat})
				} else if !yield(found{n, full, e.Stat}, nil) {
					return
				}
			}
		}
	}
}

// walkCosts is how many files a walk passes in the time that one takes to be looked for.
const walkCosts = 4

// candidates yields the files of the repository that may have to be read, and perhaps
// others: all, by one walk, or, if few are left to be read, those, looked for one by one.
// A night brings a few uploads; the files of all the others are then not even listed.
func (u *update) candidates(ctx context.Context, left *ahead, odd func(oddity)) iter.Seq2[found, error] {
	if files, _ := left.all(); files > left.made/walkCosts {
		return contents(ctx, u.o.Repository, "files", odd)
	}
	unread := func(yield func(fossology.Name, error) bool) {
		for m, err := range u.made() {
			if (err != nil || !m.read) && !yield(m.name, err) {
				return
			}
		}
	}
	return lookUp(ctx, u.o.Repository, "files", unread, odd)
}

// lookUp yields what contents does of some Names, which come in order.
func lookUp(ctx context.Context, repo fossology.Repository, typ string, names iter.Seq2[fossology.Name, error], odd func(oddity)) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		tops, err := repo.Tops()
		if err != nil {
			yield(found{}, err)
			return
		}
		tops = slices.DeleteFunc(tops, func(top string) bool { return path.Base(top) != typ })
		for n, err := range names {
			if err = errors.Join(err, ctx.Err()); err != nil {
				yield(found{}, err)
				return
			}
			if f, ok := findIn(repo, tops, n, odd); ok && !yield(f, nil) {
				return
			}
		}
	}
}

// findIn looks for a file on one host after another.
func findIn(repo fossology.Repository, tops []string, n fossology.Name, odd func(oddity)) (f found, ok bool) {
	base := n.String()
	for _, top := range tops {
		full := filepath.Join(repo.Path, top, fossology.FanOut(base, repo.Depth), base)
		var st unix.Stat_t
		err := unix.Lstat(full, &st)
		switch {
		case err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG:
			return found{n, full, fossology.StatOf(&st)}, true
		case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		default:
			odd(oddity{path: full, err: &fs.PathError{Op: "stat", Path: full, Err: err}})
		}
	}
	return found{}, false
}

// at gives an error of a walk, which knows only where it is below its top, the whole path.
func at(full string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return &fs.PathError{Op: p.Op, Path: full, Err: p.Err}
	}
	return fmt.Errorf("%s: %w", full, err)
}

// hostMerge merges the files of several hosts.
type hostMerge struct {
	pulls []func() (found, error, bool)
	stops []func()
	heads []*found
}

func (m *hostMerge) add(seq iter.Seq2[found, error]) error {
	next, stop := iter.Pull2(seq)
	m.pulls, m.stops, m.heads = append(m.pulls, next), append(m.stops, stop), append(m.heads, nil)
	return m.pull(len(m.pulls) - 1)
}

func (m *hostMerge) pull(i int) error {
	f, err, ok := m.pulls[i]()
	m.heads[i] = nil
	if ok && err == nil {
		m.heads[i] = &f
	}
	return err
}

// next returns the file with the smallest Name, of the first host that has it; nil
// at the end.
func (m *hostMerge) next() (first *found, err error) {
	for _, h := range m.heads {
		if h != nil && (first == nil || h.name.Compare(first.name) < 0) {
			first = h
		}
	}
	if first == nil {
		return nil, nil
	}
	for i, h := range m.heads {
		if h != nil && h.name == first.name {
			if err := m.pull(i); err != nil {
				return nil, err
			}
		}
	}
	return first, nil
}

func (m *hostMerge) stop() {
	for _, stop := range m.stops {
		stop()
	}
}
