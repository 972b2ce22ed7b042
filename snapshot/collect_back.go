package snapshot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"repotool/store"
)

// BringBack returns all that is in quarantine to objects/.
func BringBack(ctx context.Context, st *store.Store, o CollectOptions) (*CollectReport, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	lock, err := st.Lock(ctx, "gc", o.Command, o.Now())
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	c := &collection{CollectOptions: o, st: st, start: o.Now(), window: firstWindow(0, 0)}
	if c.older, err = st.Generations(); err != nil {
		return nil, err
	}
	err = c.each(ctx, func(ctx context.Context, folder byte) error {
		return c.allOf(ctx, folder, func(generation uint64, h store.Hash) error {
			_, err := st.Return(generation, h)
			return err
		})
	})
	if err == nil {
		err = st.Sync(ctx)
	}
	if err == nil {
		err = c.each(ctx, func(ctx context.Context, folder byte) error {
			return c.allOf(ctx, folder, func(generation uint64, h store.Hash) error {
				info, err := st.Expel(generation, h)
				if err == nil {
					c.returned.add(info.Size)
				}
				return ignoreMissing(err)
			})
		})
	}
	if err = errors.Join(err, st.CloseGenerations()); err != nil {
		return nil, fmt.Errorf("bring back from quarantine: %w", err)
	}
	return c.done(), nil
}

// allOf calls f for all of a folder in all generations.
func (c *collection) allOf(ctx context.Context, folder byte, f func(uint64, store.Hash) error) error {
	for _, generation := range c.older {
		if err := c.names(ctx, generation, folder, func(h store.Hash) error { return f(generation, h) }); err != nil {
			return err
		}
	}
	return nil
}
