package snapshot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"repotool/store"
)

// publish makes the snapshot visible, after all of it is durable.
func (t *taker) publish(ctx context.Context) (*Summary, error) {
	name := t.manifest.Name()
	day := filepath.Join(daysDir(t.Store, t.Installation), building+name)
	if t.Layout != LayoutNone {
		t.Progress.Begin(PhaseDay, t.manifest.Total().Files, 0)
		if err := buildDay(ctx, t.Store, t.manifest, t.Layout, day, t.Progress, t.heal); err != nil {
			return nil, errors.Join(err, store.RemoveTree(context.WithoutCancel(ctx), day))
		}
	}
	if !t.completeDay() && t.summary.FullScan && t.parent != nil {
		if err := t.checkObjects(ctx); err != nil {
			return nil, err
		}
	}
	if err := t.reportLost(ctx); err != nil {
		return nil, err
	}
	t.summary.finish(t)
	draft := filepath.Join(snapshotsDir(t.Store, t.Installation), building+name)
	if err := t.writeDraft(draft); err != nil {
		return nil, errors.Join(err, store.RemoveTree(context.WithoutCancel(ctx), draft))
	}
	current := filepath.Join(daysDir(t.Store, t.Installation), building+"current")
	if t.Layout != LayoutNone {
		// Now, since a full disk must show before the snapshot does.
		if err := os.Symlink(name, current); err != nil {
			return nil, fmt.Errorf("build day: %w", err)
		}
	}
	t.Progress.Begin(PhaseSync, 0, 0)
	if err := t.Store.Sync(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err // the last moment to turn back
	}
	// Nobody forgets it between the two, nor moves "current" to another day.
	err := t.Store.Exclusive(context.WithoutCancel(ctx), func() error {
		if err := renameDurably(draft, filepath.Join(snapshotsDir(t.Store, t.Installation), name)); err != nil {
			return fmt.Errorf("publish snapshot: %w", err)
		}
		if t.Layout == LayoutNone {
			return nil
		}
		return t.publishDay(day, current, name)
	})
	if err != nil {
		return nil, err
	}
	_, err = t.Store.Folder("cache")
	if err == nil {
		err = t.fresh.save(cacheName(t.Store, t.Installation), cacheHead{cacheVersion, cacheKey(t.Repository, t.manifest.Segments), t.full})
	}
	if err != nil {
		t.Log.Warn("the next snapshot will read every directory", "err", err)
	}
	return &t.summary, nil
}

func (t *taker) writeDraft(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	b, err := t.manifest.encode()
	if err != nil {
		return err
	}
	// Synced all at once with the objects, so not one by one.
	if err := os.WriteFile(filepath.Join(dir, "manifest"), b, 0o644); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if t.summary.Findings() > 0 {
		if err := t.writeFindings(dir); err != nil {
			return err
		}
	}
	return t.summary.write(dir)
}

func (t *taker) publishDay(day, current, name string) error {
	dir := daysDir(t.Store, t.Installation)
	if err := renameDurably(day, filepath.Join(dir, name)); err != nil {
		return fmt.Errorf("publish day: %w", err)
	}
	if err := renameDurably(current, filepath.Join(dir, "current")); err != nil {
		return fmt.Errorf("publish day: %w", err)
	}
	return nil
}

func renameDurably(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return store.SyncDir(filepath.Dir(to))
}
