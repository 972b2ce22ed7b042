package prune

import (
	"context"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// inParallel does something n times, with a buffer for each worker.
func inParallel(ctx context.Context, n int, do func(i int, buf []byte)) error {
	var next atomic.Int64
	var g errgroup.Group
	for range min(n, max(2, runtime.GOMAXPROCS(0))) {
		g.Go(func() error {
			buf := make([]byte, 256<<10)
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				do(i, buf)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}
