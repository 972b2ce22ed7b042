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
}

// The directories of a scratch.
const (
	scratchIn   = "in"   // what tools read
	scratchOut  = "out"  // what they fill
	scratchHome = "home" // HOME and TMPDIR
)

func (u *run) scratch() (*scratch, error) {
	path, err := os.MkdirTemp(u.o.TempDir, "repotool-tool-")
	if err != nil {
		return nil, err
	}
	s := &scratch{u: u, path: path}
	for _, dir := range []string{scratchIn, scratchOut, scratchHome} {
		if err := os.Mkdir(s.in(dir), 0o700); err != nil {
			s.remove()
			return nil, err
		}
	}
	return s, nil
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
	if f := fileOf(c, c.Size()); f != nil {
		s.files = append(s.files, f)
		return path, os.Symlink(fmt.Sprintf("/proc/self/fd/%d", 2+len(s.files)), path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, io.NewSectionReader(c, 0, c.Size()))
	return path, errors.Join(err, f.Close())
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
	return os.Mkdir(s.in(scratchOut), 0o700)
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
