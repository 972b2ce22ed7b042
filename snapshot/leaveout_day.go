package snapshot

import (
	"context"
	"fmt"
)

// RebuildList is the file of a day that lists what gold has to bring back. A line
// is Name, path in the repository and Name of the gold, with tabs between.
const RebuildList = "REBUILD.txt.zst"

// A leftOutList writes that file as the entries come by. A day without such files
// has none.
type leftOutList struct {
	dayList
	row []byte
}

func newLeftOutList(name string) *leftOutList { return &leftOutList{dayList: dayList{name: name}} }

func (l *leftOutList) add(e *Entry, depth int) error {
	name, _ := e.Name(depth) // only files with a Name are left out
	b := append(name.Append(l.row[:0]), '\t')
	b = append(append(b, e.Path...), '\t')
	l.row = append(e.Gold.Name.Append(b), '\n')
	if err := l.write(l.row); err != nil {
		return fmt.Errorf("list what is left out: %w", err)
	}
	return nil
}

// WriteRebuildList makes the file again that a day has under RebuildList, at name,
// which must not be there.
func (s *Snapshot) WriteRebuildList(ctx context.Context, name string) error {
	l := newLeftOutList(name)
	defer l.discard()
	for e, err := range s.Entries(ctx, "") {
		if err == nil && e.LeftOut() {
			err = l.add(&e, s.Manifest.Depth)
		}
		if err != nil {
			return err
		}
	}
	return l.close()
}

// leftOut writes how the files come back that are not in the day.
func (t *restoreWriter) leftOut() {
	left := t.m.LeftOut
	if left.Files == 0 {
		return
	}
	t.say(`   %d files (%d bytes) are not here, because the archives in gold/ make them:
   each was unpacked from its gold by repotool (%s), and had the bytes of the
   file. %s lists them: name (sha1.md5.size), path, and the name
   of the gold. repotool brings them back, now or later, by the command
   repotool restore --rebuild now %s`, left.Files, left.Bytes, t.m.Unpacker, RebuildList, t.m.Name())
	t.say(`   By hand: unpack the golds that are listed, and the archives in them, and
   what was compressed, with tools of your choice below one directory, $OUT.
   The names then say which of the files are wanted. What is still missing is
   listed at the end.`)
	t.run(`[ -n "$OUT" ] || OUT="$REPO.unpacked"`, `mkdir -p "$OUT"; LIST=$(mktemp -d)`,
		`zstd -dc `+RebuildList+` | LC_ALL=C sort > "$LIST/wanted"`,
		`find "$OUT" "$REPO" -type f | while IFS= read -r f; do`,
		`  s=$(sha1sum < "$f"); m=$(md5sum < "$f"); printf '%s\t%s\n' "${s%% *}.${m%% *}.$(($(wc -c < "$f")))" "$f"`,
		`done | LC_ALL=C sort > "$LIST/found"`,
		`LC_ALL=C join -t "$(printf '\t')" "$LIST/wanted" "$LIST/found" | while IFS="$(printf '\t')" read -r n p g f; do`,
		`  [ -e "$REPO/$p" ] || { mkdir -p "$REPO/${p%/*}" && cp "$f" "$REPO/$p"; }`,
		`done`,
		`while IFS="$(printf '\t')" read -r n p g; do [ -e "$REPO/$p" ] || echo "NOT REBUILT: $p"; done < "$LIST/wanted"`,
		`rm -rf "$LIST"`,
		`chmod -R u=rwX,g=rwXs,o= "$REPO"`, `chown -R fossy:fossy "$REPO" 2>/dev/null || true`)
}
