package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

const (
	// A store with less room than this share of the repository deserves a look.
	scarceShare = 10
	// So many files are looked at for the size of a repository.
	measuredFiles = 500_000
	// Clocks of two file systems may differ by this much without harm.
	clockTolerance = 2 * time.Second
	// A snapshot older than this was probably meant to be newer.
	staleAfter = 48 * time.Hour
)

// settingsFile says where the settings come from, and who can read passwords there.
func (x *examination) settingsFile(context.Context) {
	if !x.s.configRead {
		x.ok("settings", "flags, environment and defaults; there is no %s", x.s.configFile)
		return
	}
	info, err := os.Stat(x.s.configFile)
	text, _ := os.ReadFile(x.s.configFile)
	if err == nil && info.Mode().Perm()&0o004 != 0 && bytes.Contains(text, []byte("password")) {
		x.warn("settings", "chmod o-r "+x.s.configFile, "%s holds a password and can be read by everybody", x.s.configFile)
		return
	}
	x.ok("settings", "%s, installation %s", x.s.configFile, x.s.installation)
}

// repository looks whether it is one, and whether it can be read.
func (x *examination) repository(context.Context) {
	if x.in == nil {
		return
	}
	root := x.in.Repository.Path
	tops, err := x.in.Repository.Tops()
	if err != nil {
		x.broken("repository", err, "is it mounted? Its path stands in fossology.conf as [FOSSOLOGY] path; --repository overrides it")
		return
	}
	var closed []string
	for _, top := range append([]string{"."}, tops...) {
		if top = filepath.Join(root, top); unix.Access(top, unix.R_OK|unix.X_OK) != nil {
			closed = append(closed, top)
		}
	}
	switch {
	case len(closed) > 0:
		x.bad("repository", "run as root, or as a member of the group that owns the repository (fossy)", "not allowed to read %s", strings.Join(closed, ", "))
	case os.Geteuid() != 0:
		x.warn("repository", "run as root: a restore can set owners only then", "%s can be read, but this is user %d", root, os.Geteuid())
	default:
		x.ok("repository", "%s: %s", root, strings.Join(tops, ", "))
	}
}

// programs compares PostgreSQL's programs with the server.
func (x *examination) programs(ctx context.Context, server int) {
	const install = "apt-get install postgresql-client, or name the directory of the newer one with --pg-bin"
	for _, name := range []string{"pg_dump", "pg_dumpall", "pg_restore", "psql"} {
		path := name
		if x.s.pgBin != "" {
			path = filepath.Join(x.s.pgBin, name)
		}
		out, err := exec.CommandContext(ctx, path, "--version").Output()
		if err != nil {
			x.bad(name, install, "%v", err)
			continue
		}
		line := strings.TrimSpace(string(out))
		v, ok := snapshot.ParsePostgresVersion(line)
		switch {
		case !ok:
			x.warn(name, install, "%s: no version in %q", path, line)
		case v.OlderThan(snapshot.PostgresVersion(server)):
			x.bad(name, install, "%s is older than the server, PostgreSQL %s", line, pgVersion(server))
		case x.s.database == "directory" && !snapshot.DirectoryLoads(v, snapshot.PostgresVersion(server)):
			x.bad(name, "name the directory of the tools of the server's version with --pg-bin, or dump with --database plain",
				"%s cannot restore a directory into the server, PostgreSQL %s", line, pgVersion(server))
		case name == "pg_dump" || name == "psql": // the other two come with them
			x.ok(name, "%s", line)
		}
	}
}

// storage opens the store and tries its file system.
func (x *examination) storage(ctx context.Context) {
	st, err := openStore(x.s)
	if err != nil {
		x.broken("store", err, "")
		return
	}
	x.st = st
	if err := store.Probe(st.Dir()); err != nil {
		x.broken("store", err, "see whether it can be written to")
		return
	}
	free, nodes, err := store.Free(st.Dir())
	if err != nil {
		x.broken("store", err, "")
		return
	}
	x.ok("store", "%s: %s free, %s", st.Dir(), size(free), inodes(nodes))
	x.scarce(ctx, free, nodes)
	if x.in != nil {
		x.apart(x.in.Repository.Path)
	}
}

// scarce compares the free room with what the last snapshot holds, or, before
// the first, with the whole repository.
func (x *examination) scarce(ctx context.Context, free, nodes int64) {
	list, err := snapshot.List(x.st, x.s.installation)
	if err != nil {
		return
	}
	if len(list) == 0 {
		if x.in != nil {
			x.firstRun(ctx, free, nodes)
		}
		return
	}
	last := list[len(list)-1]
	if free < last.Bytes/scarceShare {
		x.warn("store", "make room, or remove old days", "%s free is less than a tenth of the repository (%s)", size(free), size(last.Bytes))
	}
	if nodes >= 0 && nodes < last.Files/scarceShare {
		x.warn("store", "each new file takes an inode: make room, or use a file system that makes them as needed (XFS, btrfs)",
			"%s inodes free is less than a tenth of the files (%s)", count(nodes), count(last.Files))
	}
}

// firstRun looks whether a first snapshot, which takes up all of the repository,
// has room. Of a repository of more than measuredFiles the size is not known, but
// that it is no larger than what is used on its disk.
func (x *examination) firstRun(ctx context.Context, free, nodes int64) {
	const mend = "make room, or make the store on a larger disk"
	root := x.in.Repository.Path
	files, bytes := int64(0), int64(0)
	for e, err := range fossology.Walk(ctx, root, fossology.WalkOptions{}) {
		if err != nil {
			return // the repository's own line says it
		}
		if e.Kind != fossology.FileFound {
			continue
		}
		files, bytes = files+1, bytes+e.Stat.Size
		if bytes > free || nodes >= 0 && files > nodes || files > measuredFiles {
			break
		}
	}
	switch {
	case bytes > free:
		x.bad("store", mend, "%s free: the repository has more than that (%s at least)", size(free), size(bytes))
	case nodes >= 0 && files > nodes:
		x.bad("store", mend, "%s: the repository has more files than that", inodes(nodes))
	case files > measuredFiles:
		var st unix.Statfs_t
		if unix.Statfs(root, &st) == nil && int64(st.Blocks-st.Bfree)*st.Bsize > free {
			x.warn("store", "compare with: du -sh "+root, "%s free: a first snapshot may need more, as much as is used on the repository's disk (%s)",
				size(free), size(int64(st.Blocks-st.Bfree)*st.Bsize))
		}
	default:
		x.ok("store", "a first snapshot takes %s of it, and the dump of the database", size(bytes))
	}
}

// apart warns of a store that goes down with the repository.
func (x *examination) apart(root string) {
	var a, b unix.Stat_t
	if unix.Stat(root, &a) != nil || unix.Stat(x.st.Dir(), &b) != nil {
		return
	}
	err := x.st.Apart(root)
	switch {
	case err != nil:
		x.broken("store", err, "")
	case a.Dev == b.Dev:
		x.warn("store", "keep a copy on other disks", "is on the same file system as the repository: a broken disk takes both")
	}
}

// snapshots looks at the newest one.
func (x *examination) snapshots(context.Context) {
	if x.st == nil {
		return
	}
	list, err := snapshot.List(x.st, x.s.installation)
	switch {
	case err != nil:
		x.broken("snapshots", err, "")
		return
	case len(list) == 0:
		x.ok("snapshots", "none of %s yet", x.s.installation)
		return
	}
	last := list[len(list)-1]
	age := x.now().Sub(last.Time)
	text := fmt.Sprintf("%s, the newest %s ago", plural(int64(len(list)), "snapshot", "snapshots"), seconds(max(0, age)))
	switch {
	case last.Time.After(x.now().Add(clockTolerance)):
		x.warn("clock", "set the clock (timedatectl)", "the newest snapshot, %s, is in the future", last.Name)
	case age > staleAfter:
		x.warn("snapshots", "is the nightly run still there?", "%s", text)
	default:
		x.ok("snapshots", "%s", text)
	}
	x.passwords(last)
	if n := countFindings(last.FindingCount); n > 0 {
		x.warn("snapshots", "see them with repotool snapshots "+last.Name, "the newest has %s", plural(n, "finding", "findings"))
	}
}

// clock compares the clock of this host with that of the store's file system.
func (x *examination) clock(context.Context) {
	if x.st == nil {
		return
	}
	before := x.now()
	dir, err := x.st.TempDir()
	var f *os.File
	if err == nil {
		f, err = os.CreateTemp(dir, "clock-")
	}
	if err != nil {
		x.broken("clock", err, "see whether the store can be written to")
		return
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		x.broken("clock", err, "")
		return
	}
	now := x.now()
	off := max(before.Sub(info.ModTime()), info.ModTime().Sub(now)) // however long it took to make it
	switch {
	case now.Year() < 2020:
		x.bad("clock", "set the clock (timedatectl)", "it says %s", now.Format(time.DateTime))
	case off > clockTolerance:
		x.warn("clock", "set the clocks of this host and of the file server (timedatectl)", "the store's file system is %s off", seconds(off))
	default:
		x.ok("clock", "%s", now.Format(time.RFC3339))
	}
}
