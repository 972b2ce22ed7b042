package fossology

import (
	"errors"
	"iter"
)

// A Follower goes through a stream that is sorted by Name, behind one that leads.
type Follower[T any] struct {
	pull  func() (T, error, bool)
	end   func()
	name  func(T) Name
	head  T
	more  bool
	begun bool
	found []T
}

// Follow makes one; nil is a stream without anything.
func Follow[T any](seq iter.Seq2[T, error], name func(T) Name) *Follower[T] {
	if seq == nil {
		seq = func(func(T, error) bool) {}
	}
	f := &Follower[T]{name: name}
	f.pull, f.end = iter.Pull2(seq)
	return f
}

// Stop ends it.
func (f *Follower[T]) Stop() { f.end() }

// At returns all that the stream has of a Name; the slice is good until the next call.
// Names are asked in order.
func (f *Follower[T]) At(n Name) ([]T, error) {
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
func (f *Follower[T]) next() error {
	for {
		head, err, more := f.pull()
		var bad *RowError
		if more && errors.As(err, &bad) {
			continue
		}
		f.head, f.more = head, more && err == nil
		return err
	}
}
