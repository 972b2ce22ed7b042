package goldindex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"path/filepath"

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
