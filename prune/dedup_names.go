package prune

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// A tree is the gold or files of a host.
type tree struct {
	top    string // below the repository
	fd     int
	gold   bool
	walked bool
}

// byNames finds the files that FOSSology calls by the same Name, in gold and files of all
// hosts. Only the smaller trees are walked, and each of their files is looked for in the
// others: of a repository with one host that is gold, and no directory of files is read.
func (d *deduper) byNames(ctx context.Context) error {
	trees, err := d.trees()
	defer func() {
		for _, t := range trees {
			unix.Close(t.fd)
		}
	}()
	if err != nil || len(trees) < 2 {
		return err
	}
	at := map[string]int{}
	for i := range trees[:len(trees)-1] {
		trees[i].walked = true
		at[trees[i].top] = i
	}
	skip := func(dir string) bool {
		return !slices.ContainsFunc(trees, func(t *tree) bool { return t.walked && (fossology.Within(dir, t.top) || fossology.Within(t.top, dir)) })
	}
	var members []Member
	for e, err := range fossology.Walk(ctx, d.o.Repository.Path, fossology.WalkOptions{Skip: skip}) {
		if err != nil {
			return err
		}
		if e.Kind == fossology.Unreadable {
			d.trouble("%s: %v", e.Path, e.Err)
		}
		top, rel, name, ok := d.place(&e)
		if !ok {
			continue
		}
		i, ok := at[top]
		if !ok {
			continue
		}
		d.seen(e.Stat.Size)
		members = append(members[:0], member(e.Path, e.Stat, trees[i].gold))
		if !d.others(trees, i, rel, &members) || len(members) == 1 {
			continue
		}
		if err := d.named(name, members); err != nil {
			return err
		}
	}
	return nil
}

// named takes up files of the same Name.
func (d *deduper) named(n fossology.Name, members []Member) error {
	if n.Size == 0 || n.Size < d.o.MinSize {
		return nil
	}
	if members[0].size != n.Size {
		d.p.Kept.add(Different, members[0].size)
		d.trouble("%s has %d bytes, and not those of its Name", members[0].Path, members[0].size)
		return nil
	}
	return d.group(n.Size, members)
}

// place takes the path of a file of a Name apart.
func (d *deduper) place(e *fossology.Event) (top, rel string, name fossology.Name, ok bool) {
	if e.Kind != fossology.FileFound || e.Stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	base := path.Base(e.Path)
	if name, ok = fossology.ParseName(base); !ok {
		return
	}
	rel = base
	if fan := fossology.FanOut(base, d.o.Repository.Depth); fan != "" {
		rel = fan + "/" + base
	}
	top, ok = strings.CutSuffix(e.Path, "/"+rel)
	return top, rel, name, ok
}

// others adds what other trees have at the same place. It is false if the file was come
// upon in an earlier one.
func (d *deduper) others(trees []*tree, at int, rel string, members *[]Member) bool {
	for i, t := range trees {
		if i == at {
			continue
		}
		st, ok := lookBeneath(t.fd, rel)
		if !ok {
			continue
		}
		if i < at {
			return false
		}
		if !t.walked {
			d.seen(st.Size)
		}
		if st.Size != (*members)[0].size {
			d.p.Kept.add(Different, (*members)[0].size)
			d.trouble("%s and %s have one Name, and not the same size", (*members)[0].Path, t.top+"/"+rel)
			continue
		}
		*members = append(*members, member(t.top+"/"+rel, fossology.StatOf(&st), t.gold))
	}
	return true
}

// lookBeneath says what the regular file at a path is, to which no symbolic link leads.
func lookBeneath(top int, rel string) (st unix.Stat_t, ok bool) {
	dir, err := fossology.OpenBeneath(top, path.Dir(rel))
	if err != nil {
		return st, false
	}
	defer unix.Close(dir)
	err = unix.Fstatat(dir, path.Base(rel), &st, unix.AT_SYMLINK_NOFOLLOW)
	return st, err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
}

// trees opens gold and files of all hosts: gold first, then files, the fullest last.
func (d *deduper) trees() (trees []*tree, err error) {
	tops, err := d.o.Repository.Tops()
	if err != nil {
		return nil, err
	}
	width := map[*tree]int{}
	for _, top := range tops {
		if info, err := os.Lstat(filepath.Join(d.o.Repository.Path, top)); err == nil && info.Mode().IsRegular() {
			continue
		}
		fd, err := fossology.OpenBeneath(d.top, top)
		if err != nil {
			d.trouble("%s: left alone: %v", top, err) // a symbolic link
			continue
		}
		t := &tree{top: top, fd: fd, gold: path.Base(top) == "gold"}
		trees = append(trees, t)
		width[t] = breadth(filepath.Join(d.o.Repository.Path, top))
	}
	slices.SortStableFunc(trees, func(a, b *tree) int {
		if a.gold != b.gold {
			if a.gold {
				return -1
			}
			return 1
		}
		return width[a] - width[b]
	})
	return trees, nil
}

// breadth guesses how many files a tree has: by the names in three of its directories.
func breadth(top string) (n int) {
	entries, err := os.ReadDir(top)
	if err != nil || len(entries) == 0 {
		return 0
	}
	for _, i := range []int{0, len(entries) / 2, len(entries) - 1} {
		below, _ := os.ReadDir(filepath.Join(top, entries[i].Name()))
		n += len(below)
	}
	return n*len(entries) + len(entries)
}

// named says whether a file stands in gold or files, under a Name.
func (m *Member) named() bool {
	_, ok := fossology.ParseName(path.Base(m.Path))
	parts := strings.SplitN(m.Path, "/", 3)
	return ok && (parts[0] == "gold" || parts[0] == "files" || len(parts) == 3 && (parts[1] == "gold" || parts[1] == "files"))
}
