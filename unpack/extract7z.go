package unpack

import (
	"context"
	"errors"
	"io"
)

// password is FOSSology's for 7z: what has it opens.
const password = "-pjunk"

// openImage opens what 7z finds nothing wrong with, and else what The Sleuth Kit
// takes. All else is no container.
func openImage(ctx context.Context, a *archive, r io.ReaderAt, size int64) error {
	s, path, err := a.handedIn(r, size)
	if err != nil {
		return err
	}
	defer s.remove()
	head := make([]byte, headSize)
	n, _ := r.ReadAt(head, 0)
	return s.openImage(ctx, a, path, head[:n])
}

func (s *scratch) openImage(ctx context.Context, a *archive, path string, head []byte) error {
	extracted := s.run(ctx, nil, scratchOut, "7z", "x", "-y", password, path)
	if extracted == nil {
		return s.hand(a, scratchOut) // and so list and test would have been content
	}
	var refused *exitError
	if !errors.As(extracted, &refused) {
		return extracted
	}
	switch err := s.accepted(ctx, path); {
	case err == nil:
		return errors.Join(s.hand(a, scratchOut), extracted)
	case !errors.As(err, &refused):
		return err
	}
	switch {
	case isNTFS(head):
		return sleuth(ctx, a, s, "ntfs", path)
	case isExt2or3(head):
		return sleuth(ctx, a, s, "ext", path)
	}
	return errNoArchive
}

// accepted is how FOSSology asks 7z: it must list the content and test it.
func (s *scratch) accepted(ctx context.Context, path string) error {
	if err := s.run(ctx, nil, scratchHome, "7z", "t", "-y", password, path); err != nil {
		return err
	}
	return s.run(ctx, nil, scratchHome, "7z", "l", "-y", path)
}

// open7zAnyway opens with 7z what is a container whatever 7z thinks of it. So are
// its own archives: the library that decodes them in process takes as much memory as
// a header claims, and 44 bytes can claim more than any machine has.
func open7zAnyway(ctx context.Context, a *archive, r io.ReaderAt, size int64) error {
	s, path, err := a.handedIn(r, size)
	if err != nil {
		return err
	}
	defer s.remove()
	return s.extract(ctx, a, []string{scratchOut}, "7z", "x", "-y", password, path)
}

// extract runs a tool in the directory that it fills, and tells of what it made:
// all of it, even if it was not content.
func (s *scratch) extract(ctx context.Context, a *archive, dir []string, name string, args ...string) error {
	err := s.run(ctx, nil, scratchOut, name, args...)
	var verdict *exitError
	if err != nil && !errors.As(err, &verdict) {
		return err
	}
	return errors.Join(s.hand(a, dir...), err)
}

// handedIn makes a scratch with the content of the container in it. An upload has
// no name of its own there, as in FOSSology's repository: tools look at endings.
func (a *archive) handedIn(r io.ReaderAt, size int64) (*scratch, string, error) {
	s, err := a.u.scratch()
	if err != nil {
		a.u.fail(err)
		return nil, "", errStop
	}
	name := a.node.Name
	if a.node == a.u.top {
		name = ""
	}
	path, err := s.give(name, io.NewSectionReader(r, 0, size))
	if err != nil {
		s.remove()
		a.u.fail(err)
		return nil, "", errStop
	}
	return s, path, nil
}
