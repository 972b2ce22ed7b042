package prune

import (
	"errors"
	"iter"

	"repotool/fossology"
)

// A follower goes through a stream that is sorted by Name, behind one that leads.
type follower[T any] struct {
	pull  func() (T, error, bool)
	stop  func()
	name  func(T) fossology.Name
	head  T
	more  bool
	begun bool
	found []T
}

// follow makes one; nil is a stream without anything.
func follow[T any](seq iter.Seq2[T, error], name func(T) fossology.Name) *follower[T] {
	if seq == nil {
		seq = func(func(T, error) bool) {}
	}
	f := &follower[T]{name: name}
	f.pull, f.stop = iter.Pull2(seq)
	return f
}

// at returns all that the stream has of a Name; the slice is good until the next call.
// Names are asked in order.
func (f *follower[T]) at(n fossology.Name) ([]T, error) {
	f.found = f.found[:0]
	if !f.begun {
		f.begun = true
		if err := f.next(); err != nil {
			return nil, err
		}
	}
	for f.more {
		c := f.name(f.head).Compare(n)
		if c > 0 {
			break
		}
		if c == 0 {
			f.found = append(f.found, f.head)
		}
		if err := f.next(); err != nil {
			return nil, err
		}
	}
	return f.found, nil
}

// next passes rows that hold no Name.
func (f *follower[T]) next() error {
	for {
		head, err, more := f.pull()
		var bad *fossology.RowError
		if more && errors.As(err, &bad) {
			continue
		}
		f.head, f.more = head, more && err == nil
		return err
	}
}
