package goldindex

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/zeebo/blake3"
	"golang.org/x/sync/errgroup"
)

const (
	// chunkFiles and chunkBytes are how much is read before the results are looked at.
	// What is begun is read although the budget ends meanwhile.
	chunkFiles = 1024
	chunkBytes = 1 << 30
	// keepRows is how many readings may be lost when the machine dies: fewer, and the
	// ledger would spend its time writing.
	keepRows = 1 << 16
)

// confirm reads the files that a gold makes and that were never read, and keeps
// those that have the same bytes.
func (u *update) confirm(ctx context.Context) (err error) {
	u.r.LeftFiles = 0
	far, err := u.readProgress()
	if err != nil {
		return err
	}
	j, err := u.join()
	if err != nil {
		return err
	}
	batch := &rows{width: readWidth}
	defer func() { // what was read stays read, even if the rest fails
		if batch.Len() > 0 {
			err = errors.Join(err, u.publish(readFamily, batch, nil))
		}
		if err == nil { // not before: the join reads the segments as they were
			err = u.merge(ctx, readFamily)
		}
	}()
	var chunk []*reading
	size := int64(0)
	odd := func(x oddity) {
		if x.err != nil {
			u.note(&u.r.Troubles, "%v", x.err)
		}
	}
	for f, err := range u.candidates(ctx, &far.ahead, odd) {
		if err != nil {
			return err
		}
		makers, read, err := j.at(f)
		if err != nil {
			return err
		}
		if len(makers) == 0 || read != nil {
			continue
		}
		if u.over() {
			u.r.LeftFiles++
			continue
		}
		if chunk = append(chunk, &reading{found: f, makers: bytes.Clone(makers)}); len(chunk) < chunkFiles && size+f.stat.Size < chunkBytes {
			size += f.stat.Size
		} else {
			if err := u.readAll(ctx, chunk, batch); err != nil {
				return err
			}
			chunk, size = nil, 0
			far.at(f.name)
		}
		if batch.Len() >= keepRows {
			if err := u.publish(readFamily, batch, nil); err != nil {
				return err
			}
			batch.b = batch.b[:0]
		}
	}
	if err := u.readAll(ctx, chunk, batch); err != nil {
		return err
	}
	far.end()
	return nil
}

// A reading is a file that is read to be confirmed.
type reading struct {
	found
	makers []byte // halves of the BLAKE3 that golds make, 16 bytes each
	sum    [32]byte
	err    error
}

// readAll reads files side by side and appends what is confirmed to batch, also if
// it is interrupted.
func (u *update) readAll(ctx context.Context, chunk []*reading, batch *rows) error {
	var g errgroup.Group
	g.SetLimit(u.o.Parallel)
	for _, r := range chunk {
		g.Go(func() error {
			if r.err = ctx.Err(); r.err == nil {
				r.sum, r.err = u.hash(ctx, r)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, r := range chunk {
		switch {
		case errors.Is(r.err, fs.ErrNotExist), ctx.Err() != nil && errors.Is(r.err, ctx.Err()):
		case r.err != nil:
			u.note(&u.r.Troubles, "%v", r.err)
		case !r.agrees():
			u.note(&u.r.Differ, "%s has other bytes than gold makes", r.path)
		default:
			u.r.Read++
			u.r.ReadBytes += r.name.Size
			batch.b = append(appendKey(batch.b, r.name), r.sum[:]...)
		}
	}
	return ctx.Err()
}

func (r *reading) agrees() bool {
	for m := r.makers; len(m) >= 16; m = m[16:] {
		if bytes.Equal(m[:16], r.sum[:16]) {
			return true
		}
	}
	return false
}

// hash reads a file.
func (u *update) hash(ctx context.Context, r *reading) (sum [32]byte, err error) {
	f, err := u.o.open(r.path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := blake3.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, readerUntil{ctx, f}, make([]byte, 128<<10)); err != nil {
		return sum, fmt.Errorf("read %s: %w", r.path, err)
	}
	h.Sum(sum[:0])
	return sum, nil
}
