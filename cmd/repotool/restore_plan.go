package main

import (
	"context"
	"errors"
	"path/filepath"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

// planDatabase looks at what a restore of a database would meet.
func (r *restoration) planDatabase(ctx context.Context, name string) error {
	dump := r.snap.Manifest.Database
	p := &databaseResult{Name: r.target(name), Bytes: r.dumpBytes(name), ServerVersion: r.admin.ServerVersion(), DumpVersion: dump.ServerVersion}
	if name == dump.Main {
		p.Rows = r.snap.Manifest.RestoredRows()
	}
	for _, d := range dump.Databases {
		if d.Name != name {
			continue
		}
		p.Encoding = d.Encoding
		if err := r.planTablespaces(ctx, d); err != nil {
			return err
		}
	}
	info, err := r.admin.DatabaseInfo(ctx, p.Name)
	switch {
	case err == nil:
		p.Exists, p.ExistsBytes = true, info.Size
	case !errors.Is(err, fossology.ErrNoDatabase):
		return err
	}
	role, err := r.admin.Role(ctx)
	if err != nil {
		return err
	}
	if !role.Superuser && !role.CreateDatabase {
		r.problem("role %s may not create databases: see --admin", role.Name)
	}
	for _, part := range r.snap.Manifest.Database.Parts {
		if part.Database != name || part.Format != snapshot.FormatCommand || len(r.s.loadCommand) > 0 {
			continue
		}
		if err := snapshot.CheckCommandDump(ctx, part, r.openObject); err != nil {
			r.problem("%v", err)
		}
	}
	if p.Bytes == 0 {
		r.problem("the snapshot holds no database %s", name)
	}
	if snapshot.PostgresVersion(p.ServerVersion).OlderThan(snapshot.PostgresVersion(p.DumpVersion)) {
		r.problem("PostgreSQL %s is older than the %s that was dumped: not everything may load", pgVersion(p.ServerVersion), pgVersion(p.DumpVersion))
	}
	r.result.Databases = append(r.result.Databases, p)
	return nil
}

// planTablespaces sees whether the server has the tablespaces that the dump needs.
func (r *restoration) planTablespaces(ctx context.Context, d snapshot.DumpedDatabase) error {
	have, err := r.admin.Tablespaces(ctx)
	if err != nil {
		return err
	}
	for _, t := range d.MissingTablespaces(have) {
		r.problem("the server has no tablespace %s (it was %s): make it in any empty directory", t.Name, t.Location)
	}
	return nil
}

// room is what is free where a restore would write.
type room struct {
	Dir        string `json:"dir"` // the nearest directory that exists
	FreeBytes  int64  `json:"freeBytes"`
	FreeInodes int64  `json:"freeInodes"` // -1: no fixed number
}

// measureRoom looks at the file system of dir, which may not exist yet.
func measureRoom(dir string) *room {
	for {
		if bytes, inodes, err := store.Free(dir); err == nil {
			return &room{dir, bytes, inodes}
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil
		}
		dir = up
	}
}
