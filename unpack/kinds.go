package unpack

import (
	"context"
	"errors"
	"io"
	"strings"
)

// Of some contents only libmagic itself can say what FOSSology takes them for: its
// rules look at their ends, or search them. It is asked by the tool file.

// kind is libmagic's word on a content.
func (s *scratch) kind(ctx context.Context, path string) (string, error) {
	var kind strings.Builder
	err := s.run(ctx, &kind, scratchHome, "file", "--brief", "--mime-type", "--dereference", path)
	return kind.String(), err
}

// has says whether libmagic's word holds one of some; so FOSSology looks at it.
func has(kind string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(kind, w) {
			return true
		}
	}
	return false
}

// openAsked opens a content as what libmagic takes it for.
func openAsked(ctx context.Context, a *archive, r io.ReaderAt, size int64) error {
	s, path, err := a.handedIn(r, size)
	if err != nil {
		return err
	}
	defer s.remove()
	defer a.settle() // the members may lie in the scratch
	kind, err := s.kind(ctx, path)
	if err != nil {
		return a.undecided(err)
	}
	switch {
	case has(kind, "octet"):
		return s.openImage(ctx, a, path, nil)
	case has(kind, "msword", "vnd.ms", "application/x-dosexec"):
		return s.extract(ctx, a, []string{scratchOut}, "7z", "x", "-y", password, path)
	case has(kind, "application/zip", "application/jar", "application/java-archive"):
		a.node.Format = "zip"
		a.node.add(&Node{Name: artifactMeta, Class: Meta})
		return unzip(a, r, size)
	}
	return errNoArchive
}

// undecided: without the tool that knows, a content that is more likely no archive
// is none. The report names it.
func (a *archive) undecided(err error) error {
	var missing *missingError
	if errors.As(err, &missing) {
		a.u.skip(a.node, missing.Error())
		return errNoArchive
	}
	return err
}
