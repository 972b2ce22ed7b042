package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/store"
)

// anEntry makes entries of every kind, with and without Names.
func anEntry(t *rapid.T) Entry {
	e := Entry{Kind: rapid.SampledFrom([]EntryKind{File, File, File, Dir, Symlink, removed}).Draw(t, "kind")}
	top := rapid.SampledFrom([]string{"localhost/files", "localhost/gold", "logs", "zeta/files"}).Draw(t, "top")
	if rapid.Bool().Draw(t, "named") {
		var name fossology.Name
		copy(name.SHA1[:], rapid.SliceOfN(rapid.ByteRange(0, 7), 20, 20).Draw(t, "sha1"))
		copy(name.MD5[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "md5"))
		name.Size = rapid.Int64Range(0, 1<<40).Draw(t, "size")
		e.Path = string(appendCanonical(nil, top, name, 3))
		e.Size = name.Size
	} else {
		e.Path = top + "/" + rapid.StringMatching(`[a-c/.\x01\xff ]{0,6}[a-c]`).Draw(t, "path")
	}
	if e.Kind == removed {
		e.Size = 0
		return e
	}
	e.Mode = rapid.SampledFrom([]uint32{0o2660, 0o2664, 0o600}).Draw(t, "mode")
	e.UID = rapid.Uint32Range(0, 3).Draw(t, "uid")
	e.GID = rapid.Uint32().Draw(t, "gid")
	e.Mtime = rapid.Int64().Draw(t, "mtime") / 4
	if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
		e.Size = rapid.Int64Range(0, 1<<62).Draw(t, "other size")
	}
	if rapid.Bool().Draw(t, "object") {
		copy(e.Object[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	}
	if rapid.IntRange(0, 3).Draw(t, "links") == 0 {
		e.Inode = rapid.Uint64().Draw(t, "inode")
	}
	if e.Kind == File && !e.Object.IsZero() && rapid.Bool().Draw(t, "left out") {
		e.Gold = Gold{fossology.Name{SHA1: [20]byte{1}, Size: rapid.Int64Range(0, 9).Draw(t, "gold")}, rapid.SampledFrom([]string{"", "a.tar", "\xff"}).Draw(t, "upload")}
	}
	if e.Kind == Symlink {
		e.Target = rapid.String().Draw(t, "target")
	}
	return e
}

func sortEntries(list []Entry) []Entry {
	slices.SortStableFunc(list, func(a, b Entry) int { return fossology.ComparePaths(a.Path, b.Path) })
	return slices.CompactFunc(list, func(a, b Entry) bool { return a.Path == b.Path })
}

func writeSegment(t testing.TB, st *store.Store, list []Entry) Segment {
	t.Helper()
	w, err := newSegmentWriter(st, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer w.discard()
	for i := range list {
		if err := w.add(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	seg, err := w.close()
	if err != nil {
		t.Fatal(err)
	}
	return seg
}

// Segments that overrule each other read like a map that is written in the
// same order; seeking finds what reading finds; merging changes nothing.
func TestSegmentsAreAMap(t *testing.T) {
	st := repotest.Store(t)
	rapid.Check(t, func(rt *rapid.T) {
		model := map[string]Entry{}
		var segments []Segment
		for range rapid.IntRange(1, 4).Draw(rt, "segments") {
			list := sortEntries(rapid.SliceOfN(rapid.Custom(anEntry), 0, 40).Draw(rt, "entries"))
			segments = append(segments, writeSegment(t, st, list))
			for _, e := range list {
				model[e.Path] = e
			}
		}
		var want []Entry
		for _, e := range model {
			if e.Kind != removed {
				want = append(want, e)
			}
		}
		want = sortEntries(want)
		check := func(segments []Segment, prefix string) {
			var got, some []Entry
			for e, err := range entries(t.Context(), st, segments, prefix) {
				if err != nil {
					rt.Fatal(err)
				}
				got = append(got, e)
			}
			for _, e := range want {
				if fossology.Within(e.Path, prefix) {
					some = append(some, e)
				}
			}
			if d := cmp.Diff(some, got); d != "" {
				rt.Fatalf("prefix %q: -want +got:\n%s", prefix, d)
			}
		}
		check(segments, "")
		check(segments, "localhost/files")
		check(segments, "logs")
		merged, err := mergeSegments(t.Context(), st, 3, segments, false)
		if err != nil {
			rt.Fatal(err)
		}
		check([]Segment{merged}, "")
		compacted, err := compact(t.Context(), st, 3, segments)
		if err != nil {
			rt.Fatal(err)
		}
		check(compacted, "")
	})
}

// Many blocks: seeking passes over blocks unread and still finds everything.
func TestSegmentSeek(t *testing.T) {
	st := repotest.Store(t)
	var list []Entry
	for i := range 5 * blockEntries {
		var name fossology.Name
		name.SHA1[0], name.SHA1[1], name.Size = byte(i>>8), byte(i), int64(i)
		list = append(list, Entry{Path: string(appendCanonical(nil, "localhost/files", name, 3)), Size: int64(i), Mode: 0o660})
	}
	segments := []Segment{writeSegment(t, st, list)}
	for _, i := range []int{0, 1, blockEntries - 1, blockEntries, 3*blockEntries + 7, len(list) - 1} {
		c, err := openCursor(st, segments)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.seek(list[i].Path); err != nil {
			t.Fatal(err)
		}
		e, err := c.peek()
		if err != nil || e == nil || *e != list[i] {
			t.Errorf("seek %d: %+v, %v", i, e, err)
		}
		c.close()
	}
}

// Whatever a row's bytes are, reading it neither panics nor hangs, and what it
// yields can be written and read again.
func FuzzReadRow(f *testing.F) {
	var state rowState
	for _, e := range []Entry{
		{Path: "a/b", Size: 3, Mode: 0o600, Mtime: 5},
		{Path: "l", Kind: Symlink, Target: "x"},
		{Path: string(appendCanonical(nil, "h/files", fossology.Name{Size: 4}, 3)), Size: 4, Object: store.Sum(nil), Inode: 7},
		{Path: "gone", Kind: removed},
	} {
		f.Add(state.appendRow(nil, &e, 3))
	}
	table := new(goldTable)
	table.number(Gold{fossology.Name{Size: 1}, "a.tar"})
	left := Entry{Path: string(appendCanonical(nil, "h/files", fossology.Name{Size: 4}, 3)), Size: 4, Object: store.Sum(nil), Gold: table.list[0]}
	f.Add((&rowState{golds: table}).appendRow(nil, &left, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		state := rowState{golds: table}
		for len(b) > 0 {
			var e, again Entry
			rest, err := state.readRow(b, &e, 3)
			if err != nil {
				return
			}
			row := (&rowState{golds: table}).appendRow(nil, &e, 3)
			if _, err := (&rowState{golds: table}).readRow(row, &again, 3); err != nil || again.Path != e.Path || again.Gold != e.Gold {
				t.Fatalf("%+v became %+v, %v", e, again, err)
			}
			b = rest
		}
	})
}

// A manifest that is not what was written is refused.
func FuzzDecodeManifest(f *testing.F) {
	m := &Manifest{Version: 1, Installation: "x", Time: time.Unix(0, 0).UTC(), Totals: map[string]Totals{"gold": {1, 2}}}
	good, err := m.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeManifest(b)
		if err == nil && m.Version > Version {
			t.Error("a newer version was accepted")
		}
	})
}

// Every single flipped byte of a manifest is noticed.
func TestManifestFlips(t *testing.T) {
	m := &Manifest{Version: 1, Installation: "x", Segments: []Segment{{store.Sum(nil), 3, 4}}}
	good, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeManifest(good); err != nil {
		t.Fatal(err)
	}
	for i := range good[:len(good)-1] {
		bad := slices.Clone(good)
		bad[i] ^= 1
		if _, err := decodeManifest(bad); err == nil {
			t.Errorf("byte %d flipped: accepted", i)
		}
	}
}

// A block that lies beyond the end of its segment is damage, not the end of
// what there is.
func TestSegmentBlockBeyondTheEnd(t *testing.T) {
	st := repotest.Store(t)
	w, err := newSegmentWriter(st, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer w.discard()
	if err := w.index.block(blockIndex{First: "a", Offset: 1 << 20, Length: 100}); err != nil {
		t.Fatal(err)
	}
	seg, err := w.close()
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range entries(t.Context(), st, []Segment{seg}, "") {
		if !errors.Is(err, ErrDamagedManifest) {
			t.Errorf("%+v, %v", e, err)
		}
		return
	}
	t.Error("it reads as empty")
}

// TestSegmentFinds: each path is found, wherever a block begins, also where names are not
// UTF-8, which the index cannot hold.
func TestSegmentFinds(t *testing.T) {
	st := repotest.Store(t)
	for name, path := range map[string]func(i int) string{
		"plain":       func(i int) string { return fmt.Sprintf("logs/%05d", i) },
		"directories": func(i int) string { return fmt.Sprintf("logs/%02d/%03d/x", i/100, i%100) },
		"letters":     func(i int) string { return fmt.Sprintf("logs/%c%05d", rune(0xe4+i/500), i) },
		"no UTF-8":    func(i int) string { return "logs/" + string([]byte{0xff, 0x80 + byte(i/64), 0x80 + byte(i%64)}) },
	} {
		var list []Entry
		for i := range 5000 {
			list = append(list, Entry{Path: path(i), Size: int64(i)})
		}
		list = sortEntries(list)
		seg := writeSegment(t, st, list)
		for _, want := range list {
			for e, err := range entries(t.Context(), st, []Segment{seg}, want.Path) {
				if err != nil || e != want {
					t.Fatalf("%s: %+v and %v where %+v was looked for", name, e, err, want)
				}
				want.Path = ""
				break
			}
			if want.Path != "" {
				t.Fatalf("%s: %q is not found", name, want.Path)
			}
		}
	}
}

// The rows of a scan cache: whatever the bytes are, reading ends.
func FuzzReadDirs(f *testing.F) {
	w, err := newCacheWriter(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	defer w.close()
	w.add(fossology.Dir{Path: ""})
	w.add(fossology.Dir{Path: "localhost/files", Signature: fossology.Signature{Inode: 1, Mtime: 2, Ctime: 3}})
	w.buf.Flush()
	w.rows.Seek(0, io.SeekStart)
	rows, err := io.ReadAll(w.rows)
	if err != nil || len(rows) == 0 {
		f.Fatal(err)
	}
	f.Add(rows)
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		readDirs(bytes.NewReader(b), func(d fossology.Dir) bool { n++; return n <= len(b) })
		if n > len(b) {
			t.Error("more rows than bytes")
		}
	})
}

// Canonical paths split and join to the same; others do not split.
func TestCanonicalPaths(t *testing.T) {
	name := fossology.Name{Size: 12}
	path := string(appendCanonical(nil, "localhost/files", name, 3))
	if dir, n, ok := splitCanonical(path, 3); !ok || dir != "localhost/files" || n != name {
		t.Errorf("%s: %q %v %v", path, dir, n, ok)
	}
	for _, bad := range []string{"", "x", name.String(), "00/00/00/" + name.String(), "localhost/files/00/00/01/" + name.String(),
		"localhost/files/00/00/" + name.String(), "localhost/files/00/00/00/" + name.String() + "x"} {
		if dir, n, ok := splitCanonical(bad, 3); ok {
			t.Errorf("%q split into %q and %v", bad, dir, n)
		}
	}
}

// A row of a file that is left out costs a number more than that of a stored one.
func TestLeftOutRowIsSmall(t *testing.T) {
	e := Entry{Path: string(appendCanonical(nil, "localhost/files", fossology.Name{Size: 7}, 3)), Size: 7, Mode: 0o660, Object: store.Sum(nil)}
	table := new(goldTable)
	for i := range 100_000 {
		table.number(Gold{Name: fossology.Name{Size: int64(i + 1)}})
	}
	stored := len((&rowState{golds: table}).appendRow(nil, &e, 3))
	e.Gold = Gold{Name: fossology.Name{Size: 100_000}}
	if left := len((&rowState{golds: table}).appendRow(nil, &e, 3)); left > stored+3 {
		t.Errorf("%d bytes, a stored one has %d", left, stored)
	}
}
