package unpack

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// hand tells an archive of what a tool made in a directory of the scratch, names
// in order. Symbolic links are never followed.
func (s *scratch) hand(a *archive, dir ...string) error {
	root, err := os.OpenRoot(s.in(dir...))
	if os.IsNotExist(err) {
		return nil // the tool did not come that far
	}
	if err != nil {
		return err
	}
	defer root.Close()
	return handDir(a, root, ".", "")
}

// handDir tells of the entries of the directory at, which are called under in the
// archive.
func handDir(a *archive, root *os.Root, at, under string) error {
	entries, err := readDir(root, at)
	if err != nil {
		a.Skip(under, err.Error())
		return nil
	}
	for _, e := range entries {
		name := path.Join(under, e.Name())
		if len(name) > a.u.limits.NameLength {
			a.Skip(name[:min(len(name), 200)], "its path is longer than paths may be")
			continue
		}
		if err := handEntry(a, root, name, e.Type()); err != nil {
			return err
		}
	}
	return nil
}

func readDir(root *os.Root, at string) ([]fs.DirEntry, error) {
	permit(root, at, 0o700)
	d, err := root.Open(at)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

func handEntry(a *archive, root *os.Root, name string, kind fs.FileMode) error {
	switch kind {
	case fs.ModeDir:
		if err := a.Dir(name); err != nil {
			return err
		}
		return handDir(a, root, name, name)
	case fs.ModeSymlink:
		return a.Symlink(name)
	case fs.ModeNamedPipe:
		return a.Other(name)
	case 0:
		return handFile(a, root, name)
	}
	a.Skip(name, fmt.Sprintf("it is a %v", kind)) // FOSSology may make no devices
	return nil
}

func handFile(a *archive, root *os.Root, name string) error {
	if i, err := root.Lstat(name); err == nil {
		a.blind = i.Mode().Perm()&ownerReads == 0
		defer func() { a.blind = false }()
	}
	permit(root, name, 0o600)
	f, err := root.Open(name)
	if err != nil {
		a.Skip(name, err.Error())
		return nil
	}
	defer f.Close()
	i, err := f.Stat()
	if err != nil {
		return err
	}
	return a.File(name, i.Size(), f)
}

// permit lets us read what the tool made unreadable: FOSSology reads it, too.
func permit(root *os.Root, name string, mode fs.FileMode) {
	if i, err := root.Lstat(name); err == nil && i.Mode()&fs.ModeSymlink == 0 && i.Mode().Perm()&mode != mode {
		root.Chmod(name, mode)
	}
}
