package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/store"
)

// copyChecked copies a content and compares it with the entry that it is for.
func copyChecked(to io.Writer, content io.Reader, e *Entry) error {
	h := blake3.New()
	n, err := io.CopyBuffer(io.MultiWriter(to, h), struct{ io.Reader }{content}, make([]byte, 128<<10))
	if err != nil {
		return err
	}
	var got store.Hash
	h.Sum(got[:0])
	if n != e.Size || got != e.Object {
		return errOtherBytes
	}
	return nil
}

// fdWriter writes to a file descriptor.
type fdWriter int

// Write implements io.Writer.
func (fd fdWriter) Write(b []byte) (n int, err error) {
	for n < len(b) {
		m, err := unix.Write(int(fd), b[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, err
		}
		n += m
	}
	return n, nil
}

// Open returns the bytes of a file of the snapshot, checked, at their beginning:
// from the store, or, if it is left out, taken from its gold there. What is taken
// lies in tempDir, without a name.
func (s *Snapshot) Open(ctx context.Context, e *Entry, rb Rebuilder, tempDir string) (*os.File, error) {
	_, err := s.Store.Check(ctx, e.Object, make([]byte, 1<<20))
	switch {
	case err == nil:
		return s.Store.Open(e.Object)
	case !e.LeftOut() || ctx.Err() != nil:
		return nil, err
	}
	golds, err := s.Golds(ctx)
	if err != nil {
		return nil, err
	}
	of, ok := golds[e.Gold.Name]
	if !ok {
		return nil, fmt.Errorf("gold %s is not in the snapshot: %w", e.Gold.Name, store.ErrNoObject)
	}
	gold, err := s.Store.Open(of.Object)
	if err != nil {
		return nil, err
	}
	defer gold.Close()
	f, err := os.CreateTemp(tempDir, "repotool-")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name()) // nothing stays, however this ends
	if err := s.takeOut(ctx, e, rb, gold, f); err != nil {
		f.Close()
		return nil, fmt.Errorf("take it from gold %s: %w", e.Gold.Name, err)
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, err
}

// takeOut writes the content of an entry, taken from its gold, to a file.
func (s *Snapshot) takeOut(ctx context.Context, e *Entry, rb Rebuilder, gold, to *os.File) error {
	name, _ := e.Name(s.Manifest.Depth)
	done := false
	err := rb.Rebuild(ctx, e.Gold.Upload, gold, []fossology.Name{name}, func(_ fossology.Name, content io.ReadSeeker) (taken bool, err error) {
		err = errors.Join(to.Truncate(0), seekStart(to), seekStart(content))
		if err == nil {
			err = copyChecked(to, content, e)
		}
		if errors.Is(err, errOtherBytes) {
			return false, nil
		}
		done = err == nil
		return done, err
	})
	switch {
	case err != nil:
		return err
	case !done:
		return errors.New("it does not come out any more: the gold or the unpacker has changed")
	}
	return nil
}

func seekStart(s io.Seeker) error {
	_, err := s.Seek(0, io.SeekStart)
	return err
}
