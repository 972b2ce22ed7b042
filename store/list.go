package store

import (
	"bytes"
	"context"
	"errors"
	"iter"
)

// ListFrom yields all objects as List does, but begins with the first that is
// not before from, and goes on with those before it when it has come to the end.
func (s *Store) ListFrom(ctx context.Context, from Hash) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		// The folder of from comes twice: its end first, its beginning last.
		part := func(last bool) func(Info, error) bool {
			return func(info Info, err error) bool {
				if err == nil && info.Object[0] == from[0] && (bytes.Compare(info.Object[:], from[:]) < 0) != last {
					return true
				}
				var folder *FolderError
				if last && errors.As(err, &folder) {
					return true // told at the beginning
				}
				return yield(info, err)
			}
		}
		for i := range 257 {
			if err := ctx.Err(); err != nil {
				yield(Info{}, err)
				return
			}
			if !s.listFolder(from[0]+byte(i), part(i == 256)) {
				return
			}
		}
	}
}
