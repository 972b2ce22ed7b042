package unpack

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
)

// The Sleuth Kit, as FOSSology uses it: fls lists directories, then files, then
// deleted files; icat gives the content of each. Names are fls's own, with
// "name:stream" for the streams of NTFS.

// maxFlsLine bounds a line of fls, which holds a whole path.
const maxFlsLine = 64 << 10

// A flsLine is "r/r 64-128-2:\tname"; a deleted one has "* " before the number.
type flsLine struct {
	kind, inode, path string
	deleted           bool
	reused            bool // its inode belongs to another file by now
}

func parseFls(line string) (l flsLine, ok bool) {
	head, path, tab := strings.Cut(line, "\t")
	kind, inode, space := strings.Cut(head, " ")
	inode, _, colon := strings.Cut(inode, ":")
	if !tab || !space || !colon || path == "" {
		return l, false
	}
	inode, l.deleted = strings.CutPrefix(inode, "* ")
	inode, _, l.reused = strings.Cut(inode, "(")
	l.kind, l.inode, l.path = kind, inode, path
	return l, inode != "" && strings.Trim(inode, "0123456789-") == ""
}

// sleuth unpacks a file system. That fls finds none leaves an empty container.
func sleuth(ctx context.Context, a *archive, s *scratch, system, image string) error {
	if err := s.clear(); err != nil {
		return err
	}
	dirs := map[string]bool{".": true}
	list := func(what string, each func(flsLine) error) error {
		return s.fls(ctx, each, "-f", system, what, image)
	}
	err := list("-Dpr", func(l flsLine) error {
		if l.kind != "d/d" || l.reused {
			return nil
		}
		for dir := l.path; dir != "."; dir = parentOf(dir) {
			dirs[dir] = true
		}
		return a.Dir(l.path)
	})
	file := func(l flsLine) error {
		if l.kind != "r/r" || l.deleted && l.reused || !dirs[parentOf(l.path)] {
			return nil // FOSSology has no directory to put it in
		}
		if l.deleted {
			l.path += ".deleted." + l.inode
		}
		return icat(ctx, a, s, system, image, l)
	}
	if err == nil {
		err = list("-Fupr", file)
	}
	if err == nil {
		err = list("-Fdpr", file)
	}
	return err
}

// parentOf is the directory of a path as fls writes it; "." for the root.
func parentOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return "."
}

// fls lists a file system. The list is whole before the first of it is worked on, as
// FOSSology's is: fls would wait for all that is in the files, and has not that long.
func (s *scratch) fls(ctx context.Context, each func(flsLine) error, args ...string) error {
	var list *spool
	told := s.stream(ctx, func(r io.Reader) (err error) {
		list, err = s.u.spooled(r)
		return err
	}, "fls", args...)
	if list == nil {
		s.u.fail(told)
		return errStop
	}
	defer list.close()
	lines := bufio.NewScanner(io.NewSectionReader(list, 0, list.size))
	lines.Buffer(nil, maxFlsLine)
	for lines.Scan() {
		if l, ok := parseFls(lines.Text()); ok {
			if err := each(l); err != nil {
				return err
			}
		}
	}
	return errors.Join(lines.Err(), told)
}

// icat reads one file. One that cannot be read is there all the same, with what
// came out; the report says so.
func icat(ctx context.Context, a *archive, s *scratch, system, image string, l flsLine) error {
	var told error
	err := s.stream(ctx, func(r io.Reader) error {
		told = a.File(l.path, -1, r)
		return told
	}, "icat", "-f", system, image, l.inode)
	var missing *missingError
	if told != nil || errors.As(err, &missing) {
		return err
	}
	return a.stop()
}
