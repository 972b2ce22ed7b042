package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

func (t *tool) catCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "cat",
		Usage:     "write a file of a snapshot to standard output",
		ArgsUsage: "SNAPSHOT NAME",
		Description: `
Writes the bytes of one file of a snapshot to standard output. NAME is

    a path in the repository (localhost/gold/0e/54/f8/0e54f8…),
    a content name (sha1.md5.size), or a beginning of one that fits one content,
    or a part of the database's dump (database/globals.sql, database/fossology),
    which comes out as it was dumped. A path that begins with ./ is one of the
    repository, always.

The content is checked against its hash before the first byte is written. A file
that the snapshot left out is taken from its gold. It cannot be written as JSON.`,
		Action: t.cat,
	}, `
repotool cat latest localhost/files/0e/54/f8/0e54f81b….a9c….4207 > file
repotool cat latest~1 0e54f81b2d1bc7bd7db9e9e9a5ddab2a8d30ad29 | sha1sum
repotool cat latest database/fossology | psql -X -v ON_ERROR_STOP=1 copy`,
		exitFailed)
}

func (t *tool) cat(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	switch {
	case c.NArg() == 0:
		return missing(c, "SNAPSHOT")
	case c.NArg() == 1:
		return missing(c, "NAME")
	case c.NArg() > 2:
		return tooMany(c, 2)
	case s.json:
		return usagef("cat: bytes cannot be written as JSON: leave --json out")
	}
	snap, err := openSnapshot(c.Context, s, c.Args().First())
	if err != nil {
		return err
	}
	defer snap.Root.Close()
	name := cleanPath(c.Args().Get(1))
	if fossology.Within(name, "database") && !ofRepository(c.Args().Get(1)) {
		return t.catDump(c.Context, snap, name)
	}
	e, err := findEntry(c.Context, snap, name)
	if err != nil {
		return err
	}
	return t.writeEntry(c.Context, snap, e)
}

// catDump writes a part of the database's dump.
func (t *tool) catDump(ctx context.Context, snap *snapshot.Snapshot, name string) error {
	if snap.Manifest.Database == nil {
		return &hinted{fmt.Errorf("snapshot %s holds no database", snap.Name()), "see DATABASE in repotool snapshots"}
	}
	var parts []string
	for _, p := range snap.Manifest.Database.Parts {
		if name == "database/"+p.Path {
			_, err := snapshot.WritePart(ctx, t.stdout, p, func(h store.Hash) (io.ReadCloser, error) { return snap.Store.Open(h) })
			return err
		}
		parts = append(parts, "database/"+p.Path)
	}
	if name == "database" {
		return &hinted{errors.New("database is a directory"), "it has " + strings.Join(parts, ", ")}
	}
	return &hinted{fmt.Errorf("snapshot %s has no %s", snap.Name(), name), "it has " + strings.Join(parts, ", ")}
}

// writeEntry checks an entry's bytes, then copies them out.
func (t *tool) writeEntry(ctx context.Context, snap *snapshot.Snapshot, e *snapshot.Entry) error {
	switch {
	case e.Kind == snapshot.Symlink:
		return fmt.Errorf("%s is a symbolic link to %s", e.Path, e.Target)
	case e.Kind != snapshot.File:
		return &hinted{fmt.Errorf("%s is a directory", e.Path), "see what is in it with repotool ls"}
	case e.Size == 0:
		return nil
	}
	u := unpacking{}
	if e.LeftOut() {
		u = t.unpacking(snap.Store)
	}
	f, err := snap.Open(ctx, e, u, u.tempDir)
	if err != nil {
		return fmt.Errorf("read %s: %w", e.Path, err)
	}
	defer f.Close()
	if _, err := io.Copy(t.stdout, f); err != nil {
		return fmt.Errorf("write %s: %w", e.Path, err)
	}
	return nil
}

// findEntry finds the entry that a path names, else the content whose name
// begins so. One content may stand at several paths; the first will do.
func findEntry(ctx context.Context, snap *snapshot.Snapshot, name string) (*snapshot.Entry, error) {
	if name == "" {
		return nil, usagef("cat: NAME is empty")
	}
	for e, err := range snap.Entries(ctx, name) {
		if err != nil {
			return nil, err
		}
		if e.Path == name {
			return &e, nil
		}
		return nil, &hinted{fmt.Errorf("%s is a directory", name), "see what is in it with repotool ls " + snap.Name() + " " + name}
	}
	if strings.Contains(name, "/") {
		return nil, nothingAt(snap, name)
	}
	var found *snapshot.Entry
	for e, err := range snap.Entries(ctx, "") {
		if err != nil {
			return nil, err
		}
		base := e.Path[strings.LastIndexByte(e.Path, '/')+1:]
		if e.Kind != snapshot.File || !strings.HasPrefix(base, name) {
			continue
		}
		if base == name {
			return &e, nil
		}
		if found != nil && found.Object != e.Object {
			return nil, &hinted{fmt.Errorf("%s fits several contents of snapshot %s", name, snap.Name()),
				"the first two are " + found.Path + " and " + e.Path}
		}
		if found == nil {
			found = &e
		}
	}
	if found == nil {
		return nil, nothingAt(snap, name)
	}
	return found, nil
}

func nothingAt(snap *snapshot.Snapshot, name string) error {
	return &hinted{fmt.Errorf("snapshot %s has no %s", snap.Name(), name),
		"NAME is a path as repotool ls shows it, or a content name or its beginning"}
}
