package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"repotool/snapshot"
)

// A Restored says what a restore took. cmd/repotool writes one down for each.
type Restored struct {
	Time     time.Time `json:"time"`
	Snapshot string    `json:"snapshot"`
	Whole    bool      `json:"whole"`    // nothing was left out by --only
	Files    int64     `json:"files"`    // written, of those that the snapshot stores
	Bytes    int64     `json:"bytes"`    // of them
	Database bool      `json:"database"` // it was restored, too
	Rebuilt  int64     `json:"rebuilt"`  // files that came back from gold
	Stored   float64   `json:"stored"`   // seconds until all was back that the snapshot stores
	Seconds  float64   `json:"seconds"`  // until all was back
}

// A Checked figure was forecast, and then was measured.
type Checked struct {
	What     string  `json:"what"`
	Bytes    bool    `json:"bytes"` // else seconds
	Forecast float64 `json:"forecast"`
	Was      float64 `json:"was"`
}

// Error is by how much the forecast was wrong: 0.1 is ten percent too much.
func (c *Checked) Error() float64 {
	if c.Was == 0 {
		return 0
	}
	return c.Forecast/c.Was - 1
}

// checkedNights are as many of the last snapshots as are compared.
const checkedNights = 5

// Check compares forecasts with what then was: the store, the last nights, each by those
// before it, and the restores that were whole.
func Check(s *Survey, a *Assumptions, present *Choice, history []*snapshot.Summary, restores []Restored, store int64) (all []Checked) {
	if present != nil {
		all = append(all, Checked{"the store, on the disk", true, present.Parts.after(1, len(history), a), float64(store)})
	}
	known := history[:0:0]
	for _, x := range history {
		if x.Known() {
			known = append(known, x)
		}
	}
	for i := max(2, len(known)-checkedNights); i < len(known); i++ { // the first is no night like others
		before, x := known[1:i], known[i]
		all = append(all, Checked{"added by " + x.Name, true, midOf(before, added), added(x)},
			Checked{"seconds of " + x.Name, false, midOf(before, func(x *snapshot.Summary) float64 { return x.Seconds }), x.Seconds})
		if x.Standstill > 0 {
			all = append(all, Checked{"standstill of " + x.Name, false, midOf(before, func(x *snapshot.Summary) float64 { return x.Standstill }), x.Standstill})
		}
	}
	for _, r := range restores {
		if !r.Whole {
			continue
		}
		at := r.Time.Local().Format(time.DateTime)
		want := float64(r.Files)/a.FilesRate + float64(r.Bytes)/a.BytesRate
		if r.Database {
			want += a.DatabaseRaw / a.DatabaseRate
		}
		all = append(all, Checked{"restore of " + at + ", to service", false, want, r.Stored})
		if r.Rebuilt > 0 && s.Proven.Files > 0 {
			share := math.Min(1, float64(r.Rebuilt)/float64(s.Proven.Files))
			rebuild := math.Max(s.Rebuild.Longest*share, s.Rebuild.Seconds*share/a.Parallel)
			all = append(all, Checked{"restore of " + at + ", rebuilding", false, rebuild, r.Seconds - r.Stored})
		}
	}
	return all
}

// added are the bytes that a snapshot was the first to need.
func added(x *snapshot.Summary) float64 {
	bytes := float64(x.Added.Bytes)
	if x.Database != nil {
		bytes += float64(x.Database.NewBytes)
	}
	return bytes
}

func midOf(history []*snapshot.Summary, of historyPoint) float64 {
	v := make([]float64, len(history))
	for i, x := range history {
		v[i] = of(x)
	}
	return Median(v)
}

// StoreBytes is what a store takes on the disk, without its ledger. Files of days are links to
// objects, which are counted where they are objects.
func StoreBytes(ctx context.Context, dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) { // somebody is at work
			return nil
		}
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(path, dir), "/")
		if rel == "ledger" {
			return fs.SkipDir
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		if d.IsDir() || st.Nlink == 1 || strings.HasPrefix(rel, "objects/") || strings.Contains(rel, "/objects/") {
			bytes += st.Blocks * 512
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("add up the store %s: %w", dir, err)
	}
	return bytes, nil
}
