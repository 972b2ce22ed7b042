package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	order := func(a, b snapshot.Gold) int {
		if n := a.Name.Compare(b.Name); n != 0 {
			return n
		}
		return strings.Compare(a.Upload, b.Upload)
	}
	for _, gold := range slices.SortedFunc(maps.Keys(by), order) {
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
