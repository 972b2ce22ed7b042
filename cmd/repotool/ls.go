package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/snapshot"
)

func (t *tool) lsCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "ls",
		Usage:     "list what a snapshot holds",
		ArgsUsage: "SNAPSHOT [PATH]",
		Description: `
Lists the files of a snapshot at and below PATH, or all of them, sorted: mode,
owner, size, time and path, relative to the repository. The parts of the
database's dump follow, below database/, with their size as plain SQL; files of
the repository that have such a path are shown as ./database/…. A snapshot
records directories only where they are empty or have a mode or owner of their
own; --all shows those. Files that are not stored, since gold makes them, are
marked (from gold).

A repository has many files. --depth N shows N levels below PATH and adds up
what is deeper.

With --json, each line is one object.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "show recorded directories, too"},
			&cli.IntFlag{Name: "depth", Usage: "show `N` levels and add up what is deeper (0: show all)"},
		},
		Action: t.ls,
	}, `
repotool ls latest
repotool ls latest localhost/gold
repotool ls --depth 2 latest~1
repotool ls --json 2026-11-23 | jq -r 'select(.size > 1e9) | .path'`,
		exitFailed)
}

// listed is one line of ls --json.
type listed struct {
	Path   string     `json:"path"`
	Raw    []byte     `json:"raw,omitempty"` // the path, where it is not UTF-8
	Kind   string     `json:"kind"`
	Size   int64      `json:"size"`
	Mode   string     `json:"mode,omitempty"` // octal, as chmod takes it
	UID    *uint32    `json:"uid,omitempty"`
	GID    *uint32    `json:"gid,omitempty"`
	Mtime  *time.Time `json:"mtime,omitempty"`
	Object string     `json:"object,omitempty"`
	Target string     `json:"target,omitempty"`
	Links  uint64     `json:"links,omitempty"`
	Files  int64      `json:"files,omitempty"`
	Gold   string     `json:"gold,omitempty"`
}

func (t *tool) ls(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	switch {
	case c.NArg() == 0:
		return missing(c, "SNAPSHOT")
	case c.NArg() > 2:
		return tooMany(c, 2)
	case c.Int("depth") < 0:
		return usagef("--depth %d: expected 0 or more", c.Int("depth"))
	}
	snap, err := openSnapshot(c.Context, s, c.Args().First())
	if err != nil {
		return err
	}
	defer snap.Root.Close()
	out := bufio.NewWriterSize(t.stdout, 64<<10)
	l := &lister{out: out, json: s.json, all: c.Bool("all"), depth: c.Int("depth"), prefix: cleanPath(c.Args().Get(1))}
	if err := l.list(c.Context, snap); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	if l.lines == 0 && !l.met && l.prefix != "" {
		return &hinted{fmt.Errorf("snapshot %s has nothing at %s", snap.Name(), l.prefix),
			"paths are relative to the repository: see repotool ls --depth 2 " + snap.Name()}
	}
	return nil
}

// lister prints entries, or sums of them.
type lister struct {
	out    io.Writer
	json   bool
	all    bool
	depth  int
	prefix string
	lines  int
	met    bool   // there was something, even if it is not shown
	sum    listed // of what is below sum.Path
}

func (l *lister) list(ctx context.Context, snap *snapshot.Snapshot) error {
	for e, err := range snap.Entries(ctx, l.prefix) {
		if err != nil {
			return err
		}
		if err := l.entry(&e); err != nil {
			return err
		}
	}
	if err := l.flush(); err != nil {
		return err
	}
	return l.database(snap)
}

// entry prints an entry or adds it to the sum of its directory.
func (l *lister) entry(e *snapshot.Entry) error {
	dir := ancestor(e.Path, l.prefix, l.depth)
	if e.Kind == snapshot.Dir && (!l.all || l.depth > 0) {
		l.met = true // a sum says more
		return nil
	}
	if dir == "" {
		if err := l.flush(); err != nil {
			return err
		}
		return l.print(describe(e))
	}
	if dir != l.sum.Path {
		if err := l.flush(); err != nil {
			return err
		}
		l.sum = listed{Path: dir, Kind: "sum"}
	}
	if e.Kind == snapshot.File {
		l.sum.Files++
		l.sum.Size += e.Size
	}
	return nil
}

func (l *lister) flush() error {
	if l.sum.Path == "" {
		return nil
	}
	sum := l.sum
	l.sum = listed{}
	return l.print(sum)
}

// database lists the parts of the dump.
func (l *lister) database(snap *snapshot.Snapshot) error {
	if snap.Manifest.Database == nil {
		return nil
	}
	for _, part := range snap.Manifest.Database.Parts {
		path := "database/" + part.Path
		if !fossology.Within(path, l.prefix) {
			continue
		}
		n := int64(0)
		for _, p := range part.Pieces {
			n += p.RawLen
		}
		if err := l.print(listed{Path: path, Kind: "database", Size: n}); err != nil {
			return err
		}
	}
	return nil
}

func (l *lister) print(x listed) error {
	l.lines++
	if l.json {
		return encode(l.out, x)
	}
	return x.line(l.out)
}

// line prints what ls -l would.
func (x listed) line(w io.Writer) error {
	var err error
	switch {
	case x.Kind == "sum":
		_, err = fmt.Fprintf(w, "%-43s %14d  %s/  (%s)\n", "", x.Size, printable(x.Path), plural(x.Files, "file", "files"))
	case x.UID == nil:
		_, err = fmt.Fprintf(w, "%-43s %14d  %s\n", x.Kind, x.Size, printable(x.Path))
	default:
		at := ""
		if x.Mtime != nil {
			at = x.Mtime.Format(time.DateTime)
		}
		name := printable(x.Path)
		if fossology.Within(name, "database") {
			name = "./" + name // as cat tells it from the dump
		}
		if x.Target != "" {
			name += " -> " + printable(x.Target)
		}
		if x.Kind == "directory" {
			name += "/"
		}
		if x.Gold != "" {
			name += "  (from gold)"
		}
		_, err = fmt.Fprintf(w, "%-4s %7d %7d  %19s  %14d  %s\n", x.Mode, *x.UID, *x.GID, at, x.Size, name)
	}
	return err
}

var kindNames = map[snapshot.EntryKind]string{
	snapshot.File: "file", snapshot.Dir: "directory", snapshot.Symlink: "symlink",
}

// describe turns an entry into what ls prints.
func describe(e *snapshot.Entry) listed {
	x := listed{Path: e.Path, Kind: kindNames[e.Kind], Size: e.Size, Mode: fmt.Sprintf("%04o", e.Mode),
		UID: &e.UID, GID: &e.GID, Target: e.Target, Links: e.Inode}
	if e.Kind != snapshot.Dir { // of directories no time is kept
		mtime := time.Unix(0, e.Mtime).UTC()
		x.Mtime = &mtime
	}
	if !utf8.ValidString(e.Path) {
		x.Raw = []byte(e.Path)
	}
	if !e.Object.IsZero() {
		x.Object = e.Object.String()
	}
	if e.LeftOut() {
		x.Gold = e.Gold.Name.String()
	}
	return x
}

// ancestor is the directory that is depth levels below prefix and above path,
// or "" if path is not deeper than that.
func ancestor(path, prefix string, depth int) string {
	if depth == 0 {
		return ""
	}
	at := len(prefix)
	if at > 0 {
		at++ // the slash
	}
	for range depth {
		i := strings.IndexByte(path[min(at, len(path)):], '/')
		if i < 0 {
			return ""
		}
		at += i + 1
	}
	return path[:at-1]
}

// cleanPath takes what people put around a path away. The repository itself is "".
func cleanPath(p string) string { return path.Clean("/" + p)[1:] }

// ofRepository says whether somebody means a file of the repository by a path that a
// part of the dump may have as well.
func ofRepository(p string) bool { return strings.HasPrefix(p, "./") }

// missing is the error of a command that lacks an argument.
func missing(c *cli.Context, what string) error {
	e := usagef("%s: %s is not given", c.Command.Name, what)
	e.hint = "write repotool " + c.Command.Name + " " + c.Command.ArgsUsage
	return e
}
