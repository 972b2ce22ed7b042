package main

import (
	"context"
	"fmt"
	"time"

	"repotool/fossology"
	"repotool/snapshot"
)

// leftovers lists the databases that restores of ours left on the server, and says what
// to do with each.
func (x *examination) leftovers(ctx context.Context, db *fossology.Database) {
	names, err := db.Databases(ctx)
	if err != nil {
		x.broken("leftovers", err, "")
		return
	}
	n := 0
	for _, name := range names {
		left, ok := snapshot.ParseLeftover(name)
		if !ok || !left.Of(db.Name()) {
			continue
		}
		n++
		at := left.Time.Local().Format(time.DateTime)
		if info, err := db.DatabaseInfo(ctx, name); err == nil && info.Size > 0 {
			at += ", " + size(info.Size)
		}
		drop := fmt.Sprintf("DROP DATABASE %q", name)
		switch left.Kind {
		case snapshot.Unfinished:
			x.warn("leftovers", "nothing, if a restore is at work; else the next restore removes it, or do it now: "+drop,
				"database %s was not finished by a restore (%s)", name, at)
		case snapshot.Wrong:
			x.warn("leftovers", "look at what is missing, then "+drop,
				"database %s was loaded by a restore, but not with all rows (%s)", name, at)
		case snapshot.Before:
			x.warn("leftovers", "when you are sure that you need it no longer: "+drop,
				"database %s is what %s was before a restore (%s)", name, db.Name(), at)
		}
	}
	if n == 0 {
		x.ok("leftovers", "no restore has left a database behind")
	}
}

// passwords looks at whether the newest snapshot has those of the roles.
func (x *examination) passwords(last *snapshot.Summary) {
	if last.FindingCount[snapshot.NoPasswords] > 0 {
		x.warn("passwords", snapshot.NoPasswords.Hint(), "the newest snapshot has no passwords of the database's roles")
	}
}
