package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/unpack"
)

// rebuildInMemory is up to which size a content is kept in memory until its hashes
// say whether it is wanted: nearly all files of sources are smaller.
const rebuildInMemory = 1 << 20

// unpacking takes contents out of the gold of a snapshot.
type unpacking struct {
	tempDir string
}

// Rebuild implements [snapshot.Rebuilder].
func (u unpacking) Rebuild(ctx context.Context, upload string, from *os.File, wanted func(fossology.Name) bool, put func(fossology.Name, io.ReadSeeker) error) error {
	top := unpack.DisplayName(upload)
	r, err := unpack.Unpack(ctx, upload, from, unpack.Options{TempDir: u.tempDir, Content: func(n *unpack.Node) unpack.Content {
		if n.Path() == top {
			return nil // the gold itself, which the store has
		}
		return &candidate{dir: u.tempDir, wanted: wanted, put: put}
	}})
	if err != nil {
		return err
	}
	return r.Close()
}

// A candidate is a content that may be wanted: that is known when all of it has come.
type candidate struct {
	dir    string
	wanted func(fossology.Name) bool
	put    func(fossology.Name, io.ReadSeeker) error
	head   bytes.Buffer
	file   *os.File // of what is larger than memory allows, without a name
	err    error    // of this machine
}

// Write takes bytes; what goes wrong is told by Close.
func (c *candidate) Write(b []byte) (int, error) {
	switch {
	case c.err != nil:
	case c.file == nil && c.head.Len()+len(b) <= rebuildInMemory:
		c.head.Write(b)
	default:
		c.err = c.spill(b)
	}
	return len(b), nil
}

func (c *candidate) spill(b []byte) (err error) {
	if c.file == nil {
		if c.file, err = os.CreateTemp(c.dir, "rebuild-"); err != nil {
			return err
		}
		os.Remove(c.file.Name()) // nothing stays, however this ends
		if _, err := c.file.Write(c.head.Bytes()); err != nil {
			return err
		}
		c.head = bytes.Buffer{}
	}
	_, err = c.file.Write(b)
	return err
}

// Close implements [unpack.Content]; an error ends the unpack.
func (c *candidate) Close(d *unpack.Digests) error {
	if c.file != nil {
		defer c.file.Close()
	}
	name := fossology.Name{SHA1: d.SHA1, MD5: d.MD5, Size: d.Size}
	switch {
	case c.err != nil:
		return fmt.Errorf("keep a content of gold: %w", c.err)
	case !c.wanted(name):
		return nil
	case c.file != nil:
		return c.put(name, c.file)
	}
	return c.put(name, bytes.NewReader(c.head.Bytes()))
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
