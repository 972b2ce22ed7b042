package verify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"repotool/snapshot"
)

// checkLeftOut checks that the snapshot holds, intact as far as was looked, the gold
// of every file that was left out: without it they are lost. It comes after the
// objects, of which the bad ones are known then. What breaks the manifest off is a
// finding already.
func (c *completeness) checkLeftOut(ctx context.Context, s *snapshot.Snapshot) error {
	by, err := s.LeftOutBy(ctx)
	if err != nil || len(by) == 0 {
		return ctx.Err()
	}
	golds, err := s.Golds(ctx)
	if err != nil {
		return ctx.Err()
	}
	for _, gold := range slices.SortedFunc(maps.Keys(by), byName) {
		why := "it is not in the snapshot"
		if e, there := golds[gold.Name]; there {
			if why = c.found.about(e.Object); why == "" {
				continue
			}
		}
		files := by[gold]
		c.found.of(s, Finding{Kind: LeftOutLost, What: gold.Name.String(),
			Detail: fmt.Sprintf("%s; %d files of %d bytes were left out because it makes them", why, files.Files, files.Bytes)})
	}
	return ctx.Err()
}

// A goldLoss is what one gold does not bring back.
type goldLoss struct {
	files snapshot.Totals
	first string // path of one of them
	why   string
}

// proveLeftOut unpacks the gold of a snapshot, if that is asked for, and compares what
// comes out with what was left out.
func (c *completeness) proveLeftOut(ctx context.Context, s *snapshot.Snapshot) error {
	c.r.LeftOut += s.Manifest.LeftOut.Files
	if c.o.Rebuilder == nil {
		return nil
	}
	var mu sync.Mutex
	lost := map[snapshot.Gold]goldLoss{}
	r, err := s.ProveRebuild(ctx, c.o.Rebuilder, c.o.Progress, func(e *snapshot.Entry, why string) {
		mu.Lock()
		defer mu.Unlock()
		l := lost[e.Gold]
		l.files.Files++
		l.files.Bytes += e.Size
		if l.first == "" || e.Path < l.first {
			l.first = e.Path
		}
		l.why = cmp.Or(l.why, why)
		lost[e.Gold] = l
	})
	if err != nil {
		return err
	}
	c.r.Rebuild = r
	for _, gold := range slices.SortedFunc(maps.Keys(lost), byName) {
		l := lost[gold]
		c.found.of(s, Finding{Kind: NotRebuilt, What: gold.Name.String(),
			Detail: fmt.Sprintf("%s; files that do not come back: %d, of %d bytes, %s among them", l.why, l.files.Files, l.files.Bytes, l.first)})
	}
	return nil
}

func byName(a, b snapshot.Gold) int {
	return cmp.Or(a.Name.Compare(b.Name), strings.Compare(a.Upload, b.Upload))
}
