package reunpack

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/unpack"
)

type reason = goldindex.Reason

// reasonOf says in one word why a gold did not give a file.
func reasonOf(err error) reason {
	switch {
	case errors.Is(err, errGoldMissing):
		return goldindex.GoldMissing
	case errors.Is(err, errGoldDamaged):
		return goldindex.GoldDamaged
	}
	return NotMade
}

// A want is a file that is wanted from a gold.
type want struct {
	name   fossology.Name
	path   string // below the target
	target *target
	done   bool
}

// An opening is one gold at work.
type opening struct {
	*run
	gold  fossology.Name
	stop  func()
	mu    sync.Mutex
	wants map[fossology.Name]*want
	paths map[string][]*want // where they come by; a path may be that of several
	left  int
	sound bool         // the gold has the bytes that its name says
	top   *unpack.Node // the gold itself, once it is being unpacked

	// Of a gold that the ledger does not speak of, or that did not give all at the places
	// that it names, every content is looked at.
	any *target // where it is put
	max int64   // the size of the largest that is wanted
}

// maxPaths is how many places of a content in one gold are watched. The first that
// comes by is taken, so more of them end the work earlier; an empty file may stand at
// a hundred thousand.
const maxPaths = 16

// one takes from a gold what is wanted of it. What does not come is appended to left;
// the error is one of this machine.
func (r *run) one(ctx context.Context, t task, left *[]leftover) error {
	x := &opening{run: r, gold: t.gold, wants: map[fossology.Name]*want{}, paths: map[string][]*want{}}
	for _, n := range t.names {
		w, err := x.want(ctx, n)
		if err != nil {
			return err
		}
		x.wants[n] = w
	}
	x.left = len(x.wants)
	err := x.take(ctx)
	var lost *lostError
	if err != nil && !errors.As(err, &lost) {
		return err
	}
	if lost != nil {
		r.o.Log.Warn("gold did not give all", "gold", t.gold.String(), "why", lost.why.Error())
	} else {
		err = &lostError{t.gold, errNotMade}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, w := range x.wants {
		if !w.done {
			*left = append(*left, leftover{n, t.gold, err})
		}
	}
	return nil
}

// want finds the place of a file: the one where FOSSology writes.
func (x *opening) want(ctx context.Context, n fossology.Name) (*want, error) {
	paths, err := x.source.Repository.Paths("files", n.String())
	if err != nil {
		return nil, err
	}
	top, rest := topOf(x.source.Repository, paths[0])
	t, err := x.target(ctx, top)
	return &want{name: n, path: rest, target: t}, err
}

// take opens the gold. A lostError says that the gold is not what it should be.
func (x *opening) take(ctx context.Context) error {
	path, err := x.path()
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return &lostError{x.gold, err}
	}
	defer f.Close()
	x.run.tally.opened()
	if self := x.wants[x.gold]; self != nil {
		if err := x.copy(ctx, f, self); err != nil {
			return err
		}
	}
	if x.left == 0 {
		return nil
	}
	if x.direct != nil {
		return x.unpack(ctx, f, x.direct.upload.Filename, x.anything)
	}
	h, err := x.watch()
	if err != nil {
		return err
	}
	if err := x.unpack(ctx, f, h.Upload, x.content); err != nil || x.left == 0 {
		return err
	}
	return x.rest(ctx, f, h.Upload)
}

// rest looks at every content of a gold for what did not come by where the ledger has it.
// A hard link is in the ledger under each of its names, and its bytes come by at one of
// them only, of which a later member may have taken the place.
func (x *opening) rest(ctx context.Context, f *os.File, upload string) error {
	sizes := map[*target]int64{}
	for _, w := range x.wants {
		if !w.done {
			sizes[w.target] = max(sizes[w.target], w.name.Size)
		}
	}
	for t, size := range sizes { // one, unless the files belong to several hosts
		x.any, x.max, x.top = t, size, nil
		if err := x.unpack(ctx, f, upload, x.anything); err != nil || x.left == 0 {
			return err
		}
	}
	return nil
}

// path is where the gold is.
func (x *opening) path() (string, error) {
	if x.direct != nil {
		return x.direct.find(x.source.Repository)
	}
	return present(x.source.Repository, x.gold)
}

// copy brings the upload itself back, whose file in files is the gold once more.
func (x *opening) copy(ctx context.Context, f *os.File, w *want) error {
	b, err := w.target.create()
	if err != nil {
		return err
	}
	s, m := sha1.New(), md5.New()
	in := &reading{ctx: ctx, stir: x.o.Stir, r: io.NewSectionReader(f, 0, 1<<62)}
	n, err := io.CopyBuffer(io.MultiWriter(writer(b.fd), s, m), in, make([]byte, 256<<10))
	got := fossology.Name{Size: n}
	s.Sum(got.SHA1[:0])
	m.Sum(got.MD5[:0])
	switch {
	case ctx.Err() != nil:
		w.target.discard(b)
		return context.Cause(ctx)
	case in.err != nil:
		w.target.discard(b)
		return &lostError{x.gold, fmt.Errorf("read it: %w", in.err)}
	case err != nil:
		w.target.discard(b)
		return &pathError{"write", w.target.top + "/" + w.path, err}
	case got != w.name:
		w.target.discard(b) // what it still makes is checked by itself
		x.o.Log.Warn("gold is damaged", "gold", x.gold.String())
		return nil
	}
	x.sound = true
	x.mu.Lock()
	w.done = true
	x.left--
	x.mu.Unlock()
	return w.target.put(b, w.name, w.path, &x.run.tally)
}

// reading remembers whether it was the reader that failed.
type reading struct {
	ctx  context.Context
	stir func()
	r    io.Reader
	err  error
}

func (r *reading) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, context.Cause(r.ctx)
	}
	r.stir()
	n, err := r.r.Read(b)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// watch finds out where what is wanted comes by.
func (x *opening) watch() (*goldindex.Header, error) {
	seen := map[fossology.Name]int{}
	h, err := x.source.Ledger.Contents(x.gold, func(row *goldindex.Row, path func() string) error {
		w := x.wants[row.Of]
		if w == nil || w.done || seen[row.Of] == maxPaths {
			return nil
		}
		seen[row.Of]++
		p := path()
		x.paths[p] = append(x.paths[p], w)
		return nil
	})
	if errors.Is(err, goldindex.ErrDamaged) || errors.Is(err, goldindex.ErrNotMade) {
		return nil, &lostError{x.gold, err}
	}
	return h, err
}

// unpack lets the contents come by until all that was wanted is there.
func (x *opening) unpack(ctx context.Context, f *os.File, upload string, take func(*unpack.Node) unpack.Content) error {
	unpacking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	x.stop = func() { stop(errEnough) }
	res, err := unpack.Unpack(unpacking, upload, f, unpack.Options{
		Limits: x.o.Limits, TempDir: x.o.TempDir, Prefix: x.o.Prefix, Hashes: unpack.NameHashes, TakenOnly: true,
		Content: func(n *unpack.Node) unpack.Content {
			if x.top != nil {
				return take(n)
			}
			x.top = n // the first one, before there are others
			if x.sound {
				return nil
			}
			return hashed{}
		},
	})
	if err == nil {
		defer res.Close()
	}
	switch {
	case x.left == 0 && (err == nil || errors.Is(err, context.Canceled) && ctx.Err() == nil):
		return nil
	case err != nil:
		return err
	}
	if d := res.Top.Digests; !x.sound && (d == nil || (fossology.Name{SHA1: d.SHA1, MD5: d.MD5, Size: d.Size}) != x.gold) {
		return &lostError{x.gold, errGoldDamaged}
	}
	x.sound = true
	return nil
}
