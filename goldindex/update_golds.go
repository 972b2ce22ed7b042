package goldindex

import (
	"context"
	"errors"
	"io/fs"
	"os"
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
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(u.o.Parallel)
	for _, f := range wanting {
		g.Go(func() error { return u.one(ctx, f) })
	}
	if err := g.Wait(); err != nil || !whole {
		return err
	}
	return u.absent(seen)
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
	case errors.As(err, &path) && path.Path == f.path, errors.Is(err, errNoScratch):
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
// forgets those that nobody knows any more. Of a host that has no directory for gold it
// records nothing: that may be a disk that is not mounted, and to unpack all its golds again
// takes hours.
func (u *update) absent(seen map[fossology.Name]bool) error {
	hosts := map[string]bool{} // has it gold?
	for name, upload := range u.uploads {
		if seen[name] {
			continue
		}
		u.note(&u.r.Missing, "gold %s is missing: %s", name, upload)
		host := u.o.Repository.Host("gold", name.String())
		there, asked := hosts[host]
		if !asked {
			dir := filepath.Join(u.o.Repository.Path, host, "gold")
			st, err := os.Stat(dir)
			there = err == nil && st.IsDir()
			if hosts[host] = there; !there {
				u.note(&u.r.Troubles, "%s is not there: is it mounted? What is known of its golds stays as it is", dir)
			}
		}
		if !there {
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
