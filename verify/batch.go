package verify

import "context"

// batchSize is how many things a worker takes at once.
const batchSize = 64

// A batcher collects what one goroutine finds into batches for its workers.
type batcher[T any] struct {
	to    chan<- []T
	batch []T
}

// add takes one more.
func (b *batcher[T]) add(ctx context.Context, x T) error {
	if b.batch = append(b.batch, x); len(b.batch) < batchSize {
		return nil
	}
	return b.flush(ctx)
}

// flush hands on what there is.
func (b *batcher[T]) flush(ctx context.Context) error {
	select {
	case b.to <- b.batch:
		b.batch = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
