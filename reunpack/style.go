package reunpack

import (
	"context"
	"path/filepath"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// meta is who owns something, and its mode.
type meta struct {
	mode     uint32
	uid, gid uint32
}

// A style is what new files and directories of one files directory look like.
type style struct{ file, dir meta }

// What FOSSology's own unpacker makes (its group writes, setgid): for a repository in
// which there is nothing to look at.
const (
	usualFile = 0o2660
	usualDir  = 0o2770
)

// sampleSize is how many files, and how many directories, are looked at: FOSSology
// makes files in two ways, with two modes, which are seen among a few dozen.
const sampleSize = 64

// styleOf looks at what is in a files directory, else at the gold beside it, which other
// users may own: then files belong to the owner of the host's directory, as
// FOSSology's agents make them.
func styleOf(ctx context.Context, top string) (style, error) {
	host := filepath.Dir(top)
	var st unix.Stat_t
	if err := unix.Stat(host, &st); err != nil {
		return style{}, &pathError{"look at", host, err}
	}
	s := style{file: meta{usualFile, st.Uid, st.Gid}, dir: meta{usualDir, st.Uid, st.Gid}}
	if st.Mode&0o7777 != 0o755 { // a mount point says nothing
		s.dir.mode = st.Mode & 0o7777
	}
	files, dirs, err := sample(ctx, top)
	if err != nil {
		return style{}, err
	}
	gold, golds, err := sample(ctx, filepath.Join(host, "gold"))
	if err != nil {
		return style{}, err
	}
	switch {
	case len(files) > 0:
		s.file = most(files)
	case len(gold) > 0:
		m := most(gold)
		s.file.mode, s.file.gid = m.mode, m.gid
	}
	switch {
	case len(dirs) > 0:
		s.dir = most(dirs)
	case len(golds) > 0:
		m := most(golds)
		s.dir.mode, s.dir.gid = m.mode, m.gid
	}
	return s, nil
}

// sample counts what the first files and directories below one look like.
func sample(ctx context.Context, top string) (files, dirs map[meta]int, err error) {
	files, dirs = map[meta]int{}, map[meta]int{}
	var st unix.Stat_t
	if err := unix.Stat(top, &st); err == unix.ENOENT {
		return files, dirs, nil
	}
	nf, nd := 0, 0
	for e, err := range fossology.Walk(ctx, top, fossology.WalkOptions{}) {
		if err != nil {
			return nil, nil, err
		}
		m := meta{e.Stat.Mode & 0o7777, e.Stat.UID, e.Stat.GID}
		switch {
		case e.Kind == fossology.FileFound && e.Stat.Mode&unix.S_IFMT == unix.S_IFREG && nf < sampleSize:
			files[m]++
			nf++
		case e.Kind == fossology.DirRead && nd < sampleSize:
			dirs[m]++
			nd++
		}
		if nf == sampleSize && nd == sampleSize {
			break
		}
	}
	return files, dirs, nil
}

// most is what occurs most often; of several the one with the smallest mode and ids, so
// that two runs agree.
func most(all map[meta]int) (m meta) {
	n := 0
	for x, k := range all {
		if k > n || k == n && less(x, m) {
			m, n = x, k
		}
	}
	return m
}

func less(a, b meta) bool {
	if a.mode != b.mode {
		return a.mode < b.mode
	}
	if a.uid != b.uid {
		return a.uid < b.uid
	}
	return a.gid < b.gid
}
