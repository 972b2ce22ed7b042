package snapshot

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/store"
)

// originalPath is where a file of a day stands in the repository. It is the reverse of
// dayPath; ok is false for what is none of the repository's.
func originalPath(day string, depth int) (original string, ok bool) {
	top, rest, below := strings.Cut(day, "/")
	switch {
	case top == "other" && below:
		return rest, true
	case dayReserved[top]:
		return "", false
	}
	dir, base := path.Split(day)
	dir = strings.TrimSuffix(dir, "/")
	fan := fossology.FanOut(base, depth)
	if dir == fan || strings.HasSuffix(dir, "/"+fan) {
		return day, true // as in the repository, also of depth 1
	}
	if above, last := path.Split(dir); last == fan[:2] && above != "" {
		return above + fan + "/" + base, true
	}
	return day, true
}

// make makes segments, totals and dump of the manifest from the day.
func (r *recovery) make(ctx context.Context) error {
	r.o.Progress.Begin(PhaseScan, 0, 0)
	if err := r.segment(ctx, r.files(ctx)); err != nil {
		return err
	}
	slices.SortFunc(r.other, func(a, b Entry) int { return fossology.ComparePaths(a.Path, b.Path) })
	if err := r.segment(ctx, inOrder(r.other)); err != nil {
		return err
	}
	if err := r.segment(ctx, r.leftOut()); err != nil {
		return err
	}
	if err := r.database(ctx); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(r.day, "RESTORE.txt"))
	if err == nil {
		r.manifest.RestoreText = store.Sum(text)
	}
	detail := "made anew from its day directory"
	if r.report.Plain > 0 {
		detail += fmt.Sprintf("; of %d files mode, owner and time are not known", r.report.Plain)
	}
	if r.report.Unknown > 0 {
		detail += fmt.Sprintf("; %d files that were left out are not known any more", r.report.Unknown)
	}
	r.findings.Add(RecoveredManifest, r.manifest.Name(), detail)
	r.report.Files = r.manifest.Total()
	return nil
}

func inOrder(list []Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// segment writes entries, which come in order, with what the nearest snapshot knows of them.
func (r *recovery) segment(ctx context.Context, all iter.Seq2[Entry, error]) (err error) {
	w, err := newSegmentWriter(r.st, r.manifest.Depth)
	if err != nil {
		return err
	}
	defer w.discard()
	var like *cursor
	if r.like != nil {
		if like, err = openCursor(r.st, r.like.Segments); err != nil {
			return err
		}
		defer like.close()
	}
	n := 0
	for e, err := range all {
		if err != nil {
			return err
		}
		keep, err := r.likewise(like, &e)
		if err != nil {
			return err
		}
		if !keep {
			continue
		}
		if err := w.add(&e); err != nil {
			return err
		}
		n++
		if e.Kind == File {
			t := r.manifest.Totals[typeOf(e.Path)]
			t.Files++
			t.Bytes += e.Size
			r.manifest.Totals[typeOf(e.Path)] = t
		}
		if e.LeftOut() {
			r.manifest.LeftOut.Files++
			r.manifest.LeftOut.Bytes += e.Size
		}
		r.o.Progress.Files.Add(1)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if n == 0 {
		return nil
	}
	seg, err := w.close()
	r.manifest.Segments = append(r.manifest.Segments, seg)
	return err
}

// likewise completes an entry by that of the nearest snapshot, if it is the same file. An
// entry that is left out is not kept if nobody knows its hash.
func (r *recovery) likewise(like *cursor, e *Entry) (keep bool, err error) {
	left := !e.Gold.Name.IsZero()
	if like != nil {
		for {
			known, err := like.peek()
			if err != nil {
				return false, err
			}
			if known == nil || fossology.ComparePaths(known.Path, e.Path) > 0 {
				break
			}
			same := known.Path == e.Path && known.Kind == e.Kind && known.Size == e.Size && (left || known.Object == e.Object)
			if same {
				e.Mode, e.UID, e.GID, e.Mtime, e.Inode = known.Mode, known.UID, known.GID, known.Mtime, known.Inode
				if left {
					e.Object = known.Object
					if known.LeftOut() {
						e.Gold = known.Gold
					}
					r.report.LeftOut++
				}
				return true, nil
			}
			if err := like.pass(); err != nil {
				return false, err
			}
		}
	}
	if left {
		r.report.Unknown++
		return false, nil
	}
	if e.Kind == File {
		r.report.Plain++
	}
	e.Mode, e.UID, e.GID = usualFileMode, r.manifest.DirMode.UID, r.manifest.DirMode.GID
	return true, nil
}

// files reads the day, in the order of the manifest.
func (r *recovery) files(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r.directory(ctx, "", yield)
	}
}

// directory reads one directory of the day; false: there is enough. In memory are the
// names of one directory.
func (r *recovery) directory(ctx context.Context, dir string, yield func(Entry, error) bool) bool {
	names, err := os.ReadDir(filepath.Join(r.day, dir))
	if err != nil {
		yield(Entry{}, err)
		return false
	}
	type place struct {
		day, original string
		d             fs.DirEntry
	}
	var places []place
	for _, d := range names {
		p := place{day: path.Join(dir, d.Name()), d: d}
		p.original = p.day
		if d.IsDir() {
			if dir == "" && dayReserved[d.Name()] && d.Name() != "other" {
				continue
			}
		} else {
			original, ok := originalPath(p.day, r.manifest.Depth)
			if !ok {
				continue
			}
			p.original = original
		}
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int { return fossology.ComparePaths(a.original, b.original) })
	for _, p := range places {
		if p.d.IsDir() {
			if !r.directory(ctx, p.day, yield) {
				return false
			}
			continue
		}
		e, ok, err := r.entry(ctx, p.day, p.original, p.d)
		switch {
		case err != nil:
			yield(Entry{}, err)
			return false
		case !ok:
		case strings.HasPrefix(p.day, "other/"):
			r.other = append(r.other, e)
		case !yield(e, nil):
			return false
		}
	}
	return true
}

// entry reads one file, and stores it if it is not there.
func (r *recovery) entry(ctx context.Context, day, original string, d fs.DirEntry) (e Entry, ok bool, err error) {
	if d.Type()&fs.ModeSymlink != 0 {
		to, err := os.Readlink(filepath.Join(r.day, day))
		return Entry{Path: original, Kind: Symlink, Target: to}, err == nil, err
	}
	if !d.Type().IsRegular() {
		r.findings.Add(SpecialFile, day, "in the day: not kept")
		return e, false, nil
	}
	it := item{entry: Entry{Path: day}}
	if err := r.reader.read(ctx, &it); err != nil {
		return e, false, err
	}
	if it.gone {
		return e, false, fmt.Errorf("%s: %w", day, fs.ErrNotExist)
	}
	if it.problem != nil {
		r.report.Damaged++
		r.findings.Add(it.problem.Kind, original, "in the day: "+it.problem.Detail)
		return e, false, nil
	}
	e = it.entry
	e.Path, e.Kind = original, File
	r.o.Progress.Bytes.Add(e.Size)
	return e, true, nil
}

// leftOut reads the list of what gold has to bring back.
func (r *recovery) leftOut() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f, err := os.Open(filepath.Join(r.day, RebuildList))
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer f.Close()
		z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer z.Close()
		r.manifest.Strategy = "gold"
		if r.like != nil {
			r.manifest.Unpacker = r.like.Unpacker
		}
		lines := bufio.NewScanner(z)
		for lines.Scan() {
			c := strings.Split(lines.Text(), "\t")
			if len(c) != 3 {
				yield(Entry{}, fmt.Errorf("%s: %q is no line of it", RebuildList, lines.Text()))
				return
			}
			n, ok := fossology.ParseName(c[0])
			gold, ok2 := fossology.ParseName(c[2])
			if !ok || !ok2 {
				yield(Entry{}, fmt.Errorf("%s: %q is no line of it", RebuildList, lines.Text()))
				return
			}
			if !yield(Entry{Path: c[1], Kind: File, Size: n.Size, Gold: Gold{Name: gold, Upload: gold.String()}}, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Entry{}, fmt.Errorf("%s: %w", RebuildList, err))
		}
	}
}

// shape is the layout of the day: by its directories, since flat ones have no second level.
func (r *recovery) shape() Layout {
	flat, _ := filepath.Glob(filepath.Join(r.day, "*", "*", "[0-9a-z_][0-9a-z_]", "[0-9a-z_][0-9a-z_]"))
	for _, name := range flat {
		var st unix.Stat_t
		if unix.Lstat(name, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR && r.manifest.Depth > 1 {
			return LayoutNative
		}
	}
	return LayoutFlat
}
