package prune

import (
	"cmp"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// maxGroup bounds how many files one line of a plan has share their bytes; more of them
// come in further lines.
const maxGroup = 512

// group takes up files of equal bytes, or of equal Names, which is to be proven yet.
// Each gets the inode of another one if it may.
func (d *deduper) group(size int64, all []Member) error {
	slices.SortFunc(all, before)
	var groups []*Duplicates
	for i := range all {
		m := &all[i]
		to, why := d.home(groups, m)
		switch {
		case to != nil:
			to.Same = append(to.Same, *m)
		case why != Shared:
			groups = append(groups, &Duplicates{Size: size, Keep: *m})
			fallthrough
		default:
			if why != "" {
				d.p.Kept.add(why, size)
			}
		}
	}
	for _, g := range groups {
		if err := d.take(g); err != nil {
			return err
		}
	}
	return nil
}

// before says which of two files keeps its inode: gold, then what most names have
// already, then the first.
func before(a, b Member) int {
	if a.gold != b.gold {
		if a.gold {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.links, a.links), cmp.Compare(a.Path, b.Path))
}

// home is the group to which a file goes, or why to none: "" if there is none yet.
func (d *deduper) home(groups []*Duplicates, m *Member) (*Duplicates, Reason) {
	why := Reason("")
	for _, g := range groups {
		switch {
		case g.Keep.dev != m.dev:
			if why == "" {
				why = OtherDisk
			}
		case g.Keep.Inode == m.Inode:
			return nil, Shared
		case d.p.How == Link && !d.mayShare(&g.Keep, m):
			why = Metadata
		default:
			return g, ""
		}
	}
	return nil, why
}

// mayShare says whether a file may have the inode of another one, with its owner, mode
// and time. Files that FOSSology calls by the same Name are touched whenever somebody
// reads them: there times say nothing. At an upload FOSSology itself makes gold and files
// one inode, www-data's, which its agents write to by their group; so does this, if
// nobody loses a right by it.
func (d *deduper) mayShare(keep, m *Member) bool {
	if keep.UID == m.UID && keep.GID == m.GID && keep.Mode == m.Mode && (keep.Mtime == m.Mtime || !d.o.Exact && sameName(keep, m)) {
		return true
	}
	if d.o.Exact || !keep.gold || m.gold || !sameName(keep, m) || keep.GID != m.GID {
		return false
	}
	const rwx, setID = 0o7, unix.S_ISUID | unix.S_ISVTX
	owner, group, others := m.Mode>>6&rwx, m.Mode>>3&rwx, m.Mode&rwx
	theirs := keep.Mode >> 3 & rwx // what the owner of m has, by the group, if it is another one
	if keep.UID == m.UID {
		theirs = keep.Mode >> 6 & rwx
	}
	const x = 0o111
	return owner&^theirs == 0 && group&^(keep.Mode>>3) == 0 && others&^keep.Mode == 0 && (keep.Mode|m.Mode)&(x|setID) == 0
}

// sameName says whether two files have the same Name in gold or files.
func sameName(a, b *Member) bool {
	return a.named() && b.named() && path.Base(a.Path) == path.Base(b.Path)
}

// take writes a group into the plan, in pieces.
func (d *deduper) take(g *Duplicates) error {
	if d.p.How == Reflink {
		d.leaveShared(g)
	}
	d.p.Freed += freed(g)
	for len(g.Same) > 0 {
		n := min(len(g.Same), maxGroup)
		piece := Duplicates{g.Size, g.Keep, g.Same[:n]}
		if err := d.p.spool.add(&piece); err != nil {
			return err
		}
		g.Same = g.Same[n:]
		d.p.Groups++
		d.p.Same.Files += int64(n)
		d.p.Same.Bytes += int64(n) * g.Size
	}
	return nil
}

// freed are the bytes on the disk of the inodes that lose all their names.
func freed(g *Duplicates) (bytes int64) {
	names := map[uint64]uint64{}
	for i := range g.Same {
		m := &g.Same[i]
		if names[m.Inode]++; names[m.Inode] == m.links {
			bytes += m.blocks * 512
		}
	}
	return bytes
}
