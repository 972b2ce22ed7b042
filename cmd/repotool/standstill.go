package main

import (
	"context"
	"time"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

// standstill is how FOSSology is stopped for a snapshot, and started again.
func (t *tool) standstill(settings, *store.Store, *fossology.Installation, *fossology.Database) snapshot.Quiesce {
	return func(context.Context) (func(context.Context) (time.Duration, error), error) {
		return nil, usagef("this version cannot stop the scheduler: use --quiesce none")
	}
}
