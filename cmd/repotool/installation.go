package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"repotool/bench"
	"repotool/fossology"
	"repotool/snapshot"
)

// loadInstallation reads FOSSology's configuration, as the settings change it.
func loadInstallation(s settings, needDatabase bool) (*fossology.Installation, error) {
	return fossology.Load(fossology.LoadOptions{
		Sysconf:    s.sysconf,
		Repository: s.repository,
		DSN:        s.dsn,
		Address:    s.scheduler,
		NoDatabase: !needDatabase,
	})
}

// dumpOptions say how the database goes into a snapshot; nil if it does not.
func dumpOptions(s settings, in *fossology.Installation) *snapshot.DumpOptions {
	if s.database == string(snapshot.DumpNone) {
		return nil
	}
	return &snapshot.DumpOptions{
		PgBin:      s.pgBin,
		DSN:        in.Database,
		GlobalsDSN: fossology.DSN(s.admin),
		Mode:       snapshot.DumpMode(s.database),
		Command:    s.databaseCommand,
		// FOSSology stands still while the dump begins: it waits for a lock no longer than for an agent.
		LockTimeout: s.quiesceTimeout,
	}
}

// databaseView hands package snapshot one unchanging view of the database.
func databaseView(db *fossology.Database) func(context.Context) (*snapshot.View, error) {
	return func(ctx context.Context) (*snapshot.View, error) {
		v, err := db.View(ctx)
		if err != nil {
			return nil, err
		}
		c, err := v.Counts(ctx)
		if err != nil {
			v.Close()
			return nil, err
		}
		return &snapshot.View{
			References: v,
			SnapshotID: v.SnapshotID,
			Rows: map[string]int64{
				"upload": c.Upload, "pfile": c.Pfile, "uploadtree": c.Uploadtree, "jobqueue": c.Jobqueue,
			},
			Close: func() { v.Close() },
		}, nil
	}
}

// connected opens the database, works with it, and closes it.
func connected(ctx context.Context, dsn fossology.DSN, work func(*fossology.Database) error) error {
	db, err := fossology.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer db.Close(context.WithoutCancel(ctx))
	return work(db)
}

// commandLine describes this run to others who meet its lock.
func commandLine() string { return bench.ShellLine(withoutSecrets(os.Args)) }

// withoutSecrets leaves connection strings out, which may hold passwords.
func withoutSecrets(line []string) []string {
	args := slices.Clone(line)
	for i, a := range args {
		for _, secret := range []string{"database-dsn", "admin"} {
			switch strings.TrimLeft(a, "-") {
			case secret:
				if i+1 < len(args) {
					args[i+1] = "…"
				}
			}
			if strings.HasPrefix(strings.TrimLeft(a, "-"), secret+"=") {
				args[i] = "--" + secret + "=…"
			}
		}
	}
	return args
}
