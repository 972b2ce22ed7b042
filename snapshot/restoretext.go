package snapshot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// restoreText is RESTORE.txt of a day: commands that bring it back with
// coreutils, zstd and psql alone, each indented by four blanks so that a test
// can run them as they stand. tops are the directories of a flat day that
// hold the two-digit folders.
func restoreText(m *Manifest, layout Layout, tops []string) []byte {
	t := &restoreWriter{m: m}
	t.intro()
	t.files(layout, tops)
	t.leftOut()
	t.database()
	return []byte(t.b.String())
}

// RestoreText is RESTORE.txt of the snapshot's day, made again.
func (s *Snapshot) RestoreText(ctx context.Context, layout Layout) ([]byte, error) {
	b := &dayBuilder{tops: map[string]bool{}}
	for e, err := range s.Entries(ctx, "") {
		if err != nil {
			return nil, err
		}
		if e.Kind != Dir && !e.LeftOut() {
			b.note(dayPath(&e, layout, s.Manifest.Depth))
		}
	}
	return restoreText(s.Manifest, layout, slices.Sorted(maps.Keys(b.tops))), nil
}

type restoreWriter struct {
	m *Manifest
	b strings.Builder
}

// say writes a paragraph, run commands.
func (t *restoreWriter) say(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n\n", args...) }

func (t *restoreWriter) run(commands ...string) {
	for _, c := range commands {
		t.b.WriteString("    " + c + "\n")
	}
	t.b.WriteByte('\n')
}

func (t *restoreWriter) intro() {
	t.say("Snapshot %s of the FOSSology installation %q\n(repository %q).", t.m.Name(), t.m.Installation, t.m.Repository)
	t.say(`How to bring it back without repotool. The indented lines are commands of a
POSIX shell; run them in this order, in one shell, as root, from this
directory. They need coreutils, zstd and psql%s. repotool does the same faster,
checks every byte, and sets owners, modes and times as they were.

1. Say where the repository is to be. Stop FOSSology first; the directory
   should be empty or missing.`, map[bool]string{true: ", and xargs (findutils)"}[len(t.m.Chain) > 0])
	t.run(`DAY=$(pwd)`, `[ -n "$REPO" ] || REPO=`+quoteShell(t.m.Repository), `mkdir -p "$REPO"`)
}

// files writes the copying of the repository.
func (t *restoreWriter) files(layout Layout, tops []string) {
	if len(t.m.Chain) == 0 {
		t.say("2. Copy the files. The files of this day are links into the store: copy them,\n   never move or change them.")
		t.run(t.copying(layout, tops)...)
	} else {
		t.say(`2. Copy the files. This day holds what changed since the day before. So begin with
   the base, %s, and go on day by day: remove what is gone, then copy
   what is new. The files of a day are links into the store: copy them, never move
   or change them.`, t.m.Chain[0])
		t.run(`REPO=$(cd "$REPO" && pwd)`,
			`for day in `+strings.Join(t.m.Chain, " ")+` `+t.m.Name()+`; do`,
			`cd "$DAY/../$day" || { echo "THIS DAY IS NEEDED: $day"; break; }`,
			`[ ! -e `+RemovedList+` ] || zstd -dcq `+RemovedList+` | (cd "$REPO" && xargs -0 -r rm -rf --)`)
		t.unspace()
		t.run(t.copying(layout, tops)...)
		t.unspace()
		t.run(`done; cd "$DAY"`)
	}
	t.say("   Owners and modes as FOSSology has them (another user or group: change it here).")
	t.run(`chmod -R u=rwX,g=rwXs,o= "$REPO"`, `chown -R fossy:fossy "$REPO" || echo "no user fossy here: set the owner by hand"`)
}

// unspace takes back the empty line behind commands, for more that belong to them.
func (t *restoreWriter) unspace() {
	text := strings.TrimSuffix(t.b.String(), "\n")
	t.b.Reset()
	t.b.WriteString(text)
}

// copying are the commands that copy the day in which they run.
func (t *restoreWriter) copying(layout Layout, tops []string) (commands []string) {
	other := false
	if layout == LayoutNative {
		commands = append(commands, `cp -R . "$REPO"`, `rm -rf "$REPO/database" "$REPO/RESTORE.txt" "$REPO/`+RebuildList+`" "$REPO/`+RemovedList+`" "$REPO/other"`)
	}
	for _, top := range tops {
		if top == "other" {
			other = true
			continue
		}
		if layout == LayoutFlat {
			commands = append(commands, t.fanOut(top)...)
		}
	}
	if other { // what does not follow FOSSology's rule for paths
		commands = append(commands, `[ ! -d other ] || cp -R other/. "$REPO"`)
	}
	return commands
}

// fanOut are the lines of a loop that spreads a folder's files over the directories that
// FOSSology makes of the first characters of a name, padded with _.
func (t *restoreWriter) fanOut(top string) []string {
	take, dir := "", quoteShell(top)
	for range t.m.Depth {
		take += `; d=$d/${p%"${p#??}"}; p=${p#??}`
	}
	return []string{`for f in ` + dir + `/*/*; do`,
		`  [ -e "$f" ] || [ -L "$f" ] || continue`,
		`  n=${f##*/}; p=${n}` + strings.Repeat("_", 2*t.m.Depth) + `; d="$REPO"/` + dir + take,
		`  mkdir -p "$d" && cp "$f" "$d/$n" || echo "NOT COPIED: $f"`,
		`done`}
}

// pieces names the files of a part, in order, as the shell finds them.
func (t *restoreWriter) pieces(p DumpPart) string {
	first := "database/" + p.PieceName(0)
	if len(p.Pieces) == 1 {
		return quoteShell(first)
	}
	if p.Format == FormatPlain || p.Format == FormatCommand {
		return quoteShell("database/"+p.Path) + "/*.zst"
	}
	return quoteShell("database/"+p.Path) + ".*.zst"
}

// quoteShell makes one word of s for a POSIX shell.
func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
