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
