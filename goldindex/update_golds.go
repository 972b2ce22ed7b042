package goldindex

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"repotool/fossology"
)

// golds looks at every gold of the repository, and at those that should be there.
func (u *update) golds(ctx context.Context) error {
	seen, wanting, whole, err := u.lookAround(ctx)
	if err != nil {
		return err
	}
	bytes := int64(0)
	for _, f := range wanting {
		bytes += f.name.Size
	}
	u.o.Progress.Begin(PhaseUnpack, 0, bytes)
	if err := u.unpackAll(ctx, wanting); err != nil || !whole {
		return err
	}
	return u.absent(seen)
}

// unpackAll unpacks several at once. Those that found no room beside others are tried once
// more, one after another; what has none then is left to the next run.
func (u *update) unpackAll(ctx context.Context, wanting []found) error {
	g, together := errgroup.WithContext(ctx)
	g.SetLimit(u.o.Parallel)
	var tight []found
	for _, f := range wanting {
		g.Go(func() error {
			err := u.one(together, f)
			if errors.Is(err, errNoScratch) {
				u.mu.Lock()
				defer u.mu.Unlock()
				tight = append(tight, f)
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, f := range tight {
		err := u.one(ctx, f)
		if errors.Is(err, errNoScratch) {
			u.note(&u.r.Troubles, "%v", err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// lookAround lists the golds that are there and, in the order of their Names, those that
// have to be unpacked. whole says whether it could look everywhere.
func (u *update) lookAround(ctx context.Context) (seen map[fossology.Name]bool, wanting []found, whole bool, err error) {
	seen, whole = map[fossology.Name]bool{}, true
	odd := func(x oddity) {
		if x.err != nil {
			whole = false
			u.note(&u.r.Troubles, "%v", x.err)
		}
	}
	for f, err := range contents(ctx, u.o.Repository, "gold", odd) {
		if err != nil {
			return nil, nil, false, err
		}
		seen[f.name] = true
		u.r.Golds++
		up, err := u.isUp(f)
		switch {
		case err != nil:
			return nil, nil, false, err
		case !up:
			wanting = append(wanting, f)
			continue
		}
		u.r.UpToDate++
		if e, _ := u.entry(f.name); e.kind == Damaged {
			u.note(&u.r.Damaged, "gold %s is damaged", f.name)
		}
	}
	return seen, wanting, whole, nil
}

// one unpacks one gold.
func (u *update) one(ctx context.Context, f found) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if u.over() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.r.Left++
		return nil
	}
	name, ok := u.uploads[f.name]
	if !ok {
		name = f.name.String()
	}
	h, err := u.gold(ctx, &u.o, f, name)
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist) && errors.As(err, &path) && path.Path == f.path:
		return nil // deleted meanwhile
	case errors.As(err, &path) && path.Path == f.path:
		u.note(&u.r.Troubles, "%v", err)
		return nil
	case err != nil:
		return err
	case h.Kind == string(rune(Damaged)):
		u.note(&u.r.Damaged, "gold %s is damaged: %s", f.name, h.Why)
		return nil
	}
	u.o.Log.Info("unpacked gold", "gold", f.name.String(), "files", h.Cost.Files, "seconds", h.Cost.Seconds)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.r.New++
	u.r.Unpacked.Seconds += h.Cost.Seconds
	u.r.Unpacked.Bytes += h.Cost.Bytes
	u.r.Unpacked.Rows += h.Cost.Rows
	u.r.Unpacked.Files += h.Cost.Files
	return nil
}

// absent records the golds that uploads have and the repository does not hold, and
// forgets those that nobody knows any more. Of a host without any gold it records nothing:
// that may be a disk that is not mounted, and to unpack all its golds again takes hours.
func (u *update) absent(seen map[fossology.Name]bool) error {
	host := func(n fossology.Name) string { return u.o.Repository.Host("gold", n.String()) }
	mounted, told := map[string]bool{}, map[string]bool{}
	for name := range seen {
		mounted[host(name)] = true
	}
	for name, upload := range u.uploads {
		if seen[name] {
			continue
		}
		u.note(&u.r.Missing, "gold %s is missing: %s", name, upload)
		if h := host(name); !mounted[h] {
			if !told[h] {
				told[h] = true
				u.note(&u.r.Troubles, "%s holds no gold: is it mounted? What is known of its golds stays as it is", filepath.Join(u.o.Repository.Path, h, "gold"))
			}
			continue
		}
		if e, ok := u.entry(name); ok && e.kind == Missing {
			continue
		}
		if err := u.record(name, Missing, &Header{Upload: upload, Time: u.o.Now().UTC()}, nil); err != nil {
			return err
		}
	}
	for _, e := range u.entries() {
		if _, known := u.uploads[e.gold]; known || seen[e.gold] {
			continue
		}
		u.r.Forgotten++
		if err := u.forget(e.gold); err != nil {
			return err
		}
	}
	return nil
}
