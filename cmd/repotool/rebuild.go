package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"repotool/fossology"
	"repotool/reunpack"
	"repotool/snapshot"
)

// unpacking takes contents out of the gold of a snapshot.
type unpacking struct {
	tempDir string
}

// Rebuild implements [snapshot.Rebuilder].
func (u unpacking) Rebuild(ctx context.Context, upload string, from *os.File, wanted []fossology.Name, put func(fossology.Name, io.ReadSeeker) (bool, error)) error {
	return reunpack.Take(ctx, upload, from, wanted, put, reunpack.TakeOptions{TempDir: u.tempDir})
}

// unpacking makes what takes contents out of gold. Large ones lie in the store's
// place for what is temporary, or, if nothing can be written there, in the system's.
func (t *tool) unpacking(snap *snapshot.Snapshot) unpacking {
	dir, err := snap.Store.TempDir()
	if err != nil {
		t.log.Warn("large contents of gold go to "+os.TempDir(), "err", err)
		dir = os.TempDir()
	}
	return unpacking{dir}
}

// rebuildFiles brings the files back that gold makes, or says in a plan what that
// would be.
func (r *restoration) rebuildFiles(ctx context.Context) error {
	if r.result.Files == nil || r.result.Files.LeftOut == 0 || r.later && !r.result.Plan {
		return nil
	}
	progress := new(snapshot.Progress)
	stop := r.watch(r.s, progress)
	defer stop()
	o := snapshot.RestoreOptions{To: r.result.To, Only: r.only, NoOwner: r.noOwner, Plan: r.result.Plan, Progress: progress, Findings: &r.findings}
	var from snapshot.Rebuilder
	if !o.Plan {
		from = r.unpacking(r.snap)
	}
	var err error
	if r.result.Rebuild, err = r.snap.Rebuild(ctx, o, from); err != nil || !o.Plan {
		return err
	}
	if m := r.result.Room; !r.later && m != nil && m.FreeBytes >= r.result.Files.NewBytes && m.FreeBytes < r.result.Files.NewBytes+r.result.Rebuild.Wanted.Bytes {
		r.problem("%s would be written, %s of it rebuilt from gold; %s is free on %s",
			size(r.result.Files.NewBytes+r.result.Rebuild.Wanted.Bytes), size(r.result.Rebuild.Wanted.Bytes), size(m.FreeBytes), m.Dir)
	}
	return nil
}

// rebuildLines says what became of the files that were left out.
func (r restoreResult) rebuildLines() string {
	if r.Files == nil || r.Files.LeftOut == 0 {
		return ""
	}
	left := fmt.Sprintf("%s (%s)", plural(r.Files.LeftOut, "file was", "files were"), size(r.Files.LeftSize))
	b := r.Rebuild
	switch {
	case b == nil:
		return fmt.Sprintf("  left out  %s not stored: repotool restore --rebuild now %s takes them from gold\n", left, r.Snapshot)
	case r.Plan:
		return fmt.Sprintf("  left out  %s not stored; %s (%s) missing: gold rebuilds them, %s have to be unpacked\n", left,
			count(b.Wanted.Files), size(b.Wanted.Bytes), plural(b.Golds, "archive", "archives"))
	}
	line := fmt.Sprintf("  rebuilt   %s (%s) from %s", plural(b.Rebuilt.Files, "file", "files"), size(b.Rebuilt.Bytes), plural(b.Golds, "gold", "golds"))
	if b.Lost > 0 {
		line += fmt.Sprintf("; %s did not come out", count(b.Lost))
	}
	return line + "\n"
}
