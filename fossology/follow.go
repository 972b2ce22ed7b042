package fossology

import (
	"errors"
	"iter"
)

// A Follower goes through a stream that is sorted by a key, behind one that leads.
type Follower[T, K any] struct {
	pull  func() (T, error, bool)
	end   func()
	key   func(T) K
	order func(a, b K) int
	head  T
	more  bool
	begun bool
	found []T
}

// Follow makes one; nil is a stream without anything.
func Follow[T, K any](seq iter.Seq2[T, error], key func(T) K, order func(a, b K) int) *Follower[T, K] {
	if seq == nil {
		seq = func(func(T, error) bool) {}
	}
	f := &Follower[T, K]{key: key, order: order}
	f.pull, f.end = iter.Pull2(seq)
	return f
}

// Stop ends it.
func (f *Follower[T, K]) Stop() { f.end() }

// At returns all that the stream has of a key; the slice is good until the next call.
// Keys are asked in order.
func (f *Follower[T, K]) At(k K) ([]T, error) {
	f.found = f.found[:0]
	if !f.begun {
		f.begun = true
		if err := f.next(); err != nil {
			return nil, err
		}
	}
	for f.more {
		c := f.order(f.key(f.head), k)
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
func (f *Follower[T, K]) next() error {
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
