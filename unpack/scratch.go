package unpack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A scratch is a directory in which tools work on one container.
type scratch struct {
	u     *run
	path  string
	files []*os.File // that tools inherit, from descriptor 3 on
	lent  bool       // tools run as nobody, who owns what they fill
	lock  *os.File   // held as long as the scratch is in use
}

// The directories of a scratch.
const (
	scratchIn   = "in"   // what tools read
	scratchOut  = "out"  // what they fill
	scratchHome = "home" // HOME and TMPDIR
)

func (u *run) scratch() (*scratch, error) {
	path, lock, err := lockedDir(u.o.TempDir)
	if err != nil {
		return nil, err
	}
	s := &scratch{u: u, path: path, lock: lock}
	for _, dir := range []string{scratchIn, scratchOut, scratchHome} {
		err = errors.Join(err, os.Mkdir(s.in(dir), 0o700))
	}
	if err == nil && os.Geteuid() == 0 && reachable(path) {
		err = s.lend()
	}
	if err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// lend gives what tools fill to nobody, and lets them read what they are given.
func (s *scratch) lend() error {
	s.lent = true
	err := errors.Join(os.Chmod(s.path, 0o711), os.Chmod(s.in(scratchIn), 0o755))
	for _, dir := range []string{scratchOut, scratchHome} {
		err = errors.Join(err, os.Lchown(s.in(dir), nobody, nobody))
	}
	return err
}

// reachable says whether every user may go to a directory of ours, which stands open
// then itself.
func reachable(path string) bool {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if i, err := os.Stat(dir); err != nil || i.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

func (s *scratch) in(name ...string) string {
	return filepath.Join(append([]string{s.path}, name...)...)
}

// give puts a content into the scratch, under its name as far as that is one, and
// returns its path. What lies in a file already is not copied.
func (s *scratch) give(name string, c *io.SectionReader) (string, error) {
	if name == "" || name == "." || name == ".." || len(name) > maxName || strings.ContainsAny(name, "/\x00") {
		name = "content"
	}
	path := s.in(scratchIn, name)
	if f := fileOf(c, c.Size()); f != nil && s.mayRead(f) {
		s.files = append(s.files, f)
		return path, os.Symlink(fmt.Sprintf("/proc/self/fd/%d", 2+len(s.files)), path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, io.NewSectionReader(c, 0, c.Size()))
	return path, errors.Join(err, f.Close())
}

// mayRead says whether the tools' user may open a file once more: they are given its
// path.
func (s *scratch) mayRead(f *os.File) bool {
	i, err := f.Stat()
	return !s.lent || err == nil && i.Mode().Perm()&0o004 != 0
}

// fileOf is the file that r is all of; nil if there is none.
func fileOf(r io.ReaderAt, size int64) *os.File {
	for {
		switch x := r.(type) {
		case *io.SectionReader:
			outer, off, _ := x.Outer()
			if off != 0 {
				return nil
			}
			r = outer
		case *spool:
			if x.file == nil {
				return nil
			}
			r = x.file
		case *os.File:
			if i, err := x.Stat(); err != nil || !i.Mode().IsRegular() || i.Size() != size {
				return nil
			}
			return x
		default:
			return nil
		}
	}
}

// Removing takes more than one attempt while something that was killed has not
// yet noticed.
const (
	removeAttempts = 50
	removePause    = 20 * time.Millisecond
)

// remove removes the scratch with all in it.
func (s *scratch) remove() {
	var err error
	defer s.lock.Close()
	for range removeAttempts {
		allow(s.path)
		if err = os.RemoveAll(s.path); err == nil {
			return
		}
		time.Sleep(removePause)
	}
	s.u.fail(fmt.Errorf("remove what a tool left behind: %w", err))
}

// clear empties the directory that tools fill.
func (s *scratch) clear() error {
	allow(s.in(scratchOut))
	if err := os.RemoveAll(s.in(scratchOut)); err != nil {
		return err
	}
	err := os.Mkdir(s.in(scratchOut), 0o700)
	if err == nil && s.lent {
		err = os.Lchown(s.in(scratchOut), nobody, nobody)
	}
	return err
}

// allow makes directories readable that a tool made otherwise.
func allow(path string) {
	filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			if i, e := d.Info(); e == nil && i.Mode().Perm()&0o700 != 0o700 {
				os.Chmod(path, 0o700)
			}
		}
		return nil
	})
}
