package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"repotool/bench"
	"repotool/fossology"
	"repotool/reunpack"
	"repotool/snapshot"
	"repotool/store"
	"repotool/unpack"
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
func (t *tool) unpacking(st *store.Store) unpacking {
	dir, err := st.TempDir()
	if err != nil {
		t.log.Warn("large contents of gold go to "+os.TempDir(), "err", err)
		dir = os.TempDir()
	}
	return unpacking{dir}
}

// rebuildFiles brings the files back that gold makes, or says in a plan what that
// would be.
func (r *restoration) rebuildFiles(ctx context.Context) error {
	switch {
	case r.result.Files == nil || r.result.Files.LeftOut == 0:
		return nil
	case r.rebuild == "later" && !r.result.Plan:
		r.result.Later = r.laterCommand()
		return nil
	case r.rebuild == "queue" && !r.result.Plan:
		return r.queueRebuild(ctx)
	}
	progress := new(snapshot.Progress)
	stop := r.watch(r.s, progress)
	defer stop()
	o := snapshot.RestoreOptions{To: r.result.To, Only: r.only, NoOwner: r.noOwner, Plan: r.result.Plan, Progress: progress, Findings: &r.findings,
		Restored: r.result.Files}
	var from snapshot.Rebuilder
	if !o.Plan {
		from = r.unpacking(r.st)
	}
	for _, line := range lacks(r.snap.Manifest.Unpacker, unpack.Tools()) {
		if o.Plan {
			r.problem("%s", line)
		} else {
			fmt.Fprintf(r.stderr, "warning: %s\n", line)
		}
	}
	var err error
	if r.result.Rebuild, err = r.snap.Rebuild(ctx, o, from); err != nil || !o.Plan {
		return err
	}
	if m := r.result.Room; r.rebuild == "now" && m != nil && m.FreeBytes >= r.result.Files.NewBytes && m.FreeBytes < r.result.Files.NewBytes+r.result.Rebuild.Wanted.Bytes {
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
	left := fmt.Sprintf("%s (%s)", plural(r.Files.LeftOut, "file", "files"), size(r.Files.LeftSize))
	b := r.Rebuild
	switch {
	case r.Queue != nil:
		lines := fmt.Sprintf("  left out  %s, not stored; FOSSology brings them back: %s queued, %s reset, %s\n", left,
			plural(int64(len(r.Queue.Queued)), "upload", "uploads"), plural(int64(len(r.Queue.Reset)), "job", "jobs"),
			plural(r.Queue.Waits, "job waits", "jobs wait"))
		if r.Unheld > 0 {
			lines += fmt.Sprintf("            %s that no upload holds; restore --rebuild now --only files brings them, too\n", plural(r.Unheld, "is a file", "are files"))
		}
		return lines
	case b == nil:
		return fmt.Sprintf("  left out  %s, not stored, and not there yet; to bring them back:\n            %s\n", left, r.Later)
	case r.Plan:
		return fmt.Sprintf("  left out  %s, not stored; %s (%s) missing: gold rebuilds them, %s have to be unpacked\n", left,
			count(b.Wanted.Files), size(b.Wanted.Bytes), plural(b.Golds, "archive", "archives"))
	}
	line := fmt.Sprintf("  rebuilt   %s (%s) from %s", plural(b.Rebuilt.Files, "file", "files"), size(b.Rebuilt.Bytes), plural(b.Golds, "gold", "golds"))
	if b.Lost > 0 {
		line += fmt.Sprintf("; %s did not come out: repotool reunpack --all-missing asks other golds, by the ledger", count(b.Lost))
	}
	return line + "\n"
}

// tookLine says how long FOSSology's users had to wait.
func (r restoreResult) tookLine() string {
	line := fmt.Sprintf("  took      %s", fraction(r.Seconds))
	switch {
	case r.Rebuild != nil && r.Rebuild.Golds > 0:
		line += fmt.Sprintf(": %s for what was stored, %s to rebuild the rest", fraction(r.Stored), fraction(r.Seconds-r.Stored))
	case r.Queue != nil || r.Later != "":
		line += "; FOSSology works without the files that are not there yet"
	}
	return line + "\n"
}

// laterCommand is what brings the files back that were left out, while FOSSology works:
// reunpack, which asks the ledger; without one, or elsewhere, restore.
func (r *restoration) laterCommand() string {
	var place []string
	if r.s.configRead && r.s.configFile != defaultConfig {
		place = append(place, "--config", r.s.configFile)
	}
	place = append(place, "--store", r.s.store, "--installation", r.s.installation)
	if r.s.sysconf != "" {
		place = append(place, "--sysconf", r.s.sysconf)
	}
	if r.s.repository != "" {
		place = append(place, "--repository", r.s.repository)
	}
	var words []string
	switch _, err := os.Stat(r.st.Path("ledger", r.s.installation, "golds")); {
	case !r.inPlace:
		words = slices.Concat([]string{"repotool", "restore", "--rebuild", "now"}, place, []string{"--to", r.result.To, r.result.Snapshot})
	case err != nil:
		words = slices.Concat([]string{"repotool", "restore", "--rebuild", "now", "--only", "files"}, place, []string{r.result.Snapshot})
	default:
		words = slices.Concat([]string{"repotool", "reunpack", "--all-missing"}, place)
	}
	return bench.ShellLine(words)
}
