package snapshot

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/store"
)

// readAttempts is how often a file that changes while it is read is read again.
const readAttempts = 3

// Why a file was not accepted.
var (
	errChanged = errors.New("it changed while it was read")
	errNotName = errors.New("its content is not that of its name")
	errGone    = errors.New("it is not there any more") // said by the repository: a store may lack directories, too
)

// ingest is a worker: it reads files and stores them.
func (s *scan) ingest(ctx context.Context) error {
	r := &fileReader{rootFD: s.rootFD, md5: s.md5, w: s.st.NewWriter()}
	for b := range s.jobs {
		for i := range b.items {
			it := &b.items[i]
			if !it.read {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.read(ctx, it); err != nil {
				return err
			}
			s.progress.Bytes.Add(it.put.Size)
		}
		close(b.done)
	}
	return nil
}

// A fileReader reads files of a repository into a store.
type fileReader struct {
	rootFD  int
	md5     bool
	w       *store.Writer
	sha1Sum hash.Hash
	md5Sum  hash.Hash
}

// read stores one file. What is wrong with the file is the item's problem; an
// error means that the store cannot go on.
func (r *fileReader) read(ctx context.Context, it *item) error {
	err := errChanged
	for range readAttempts {
		if err = r.try(ctx, it); !errors.Is(err, errChanged) {
			break
		}
	}
	var source *store.SourceError
	switch {
	case err == nil:
	case errors.Is(err, errGone):
		it.gone = true
	case errors.Is(err, errChanged):
		it.problem = &Finding{Changing, it.entry.Path, fmt.Sprintf("%d attempts", readAttempts)}
	case errors.Is(err, errNotName):
		it.problem = &Finding{ContentDiffers, it.entry.Path, err.Error()}
	case errors.As(err, &source):
		it.problem = &Finding{Unreadable, it.entry.Path, source.Err.Error()}
	default:
		return fmt.Errorf("store %s: %w", it.entry.Path, err)
	}
	return nil
}

func (r *fileReader) try(ctx context.Context, it *item) error {
	fd, err := r.open(it.entry.Path)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var before unix.Stat_t
	if err := unix.Fstat(fd, &before); err != nil {
		return &store.SourceError{Err: err}
	}
	e := &it.entry
	e.Size, e.Mtime = before.Size, before.Mtim.Nano()
	// Its name binds a file wherever it stands.
	name, named := fossology.ParseName(e.Path[strings.LastIndexByte(e.Path, '/')+1:])
	o := store.PutOptions{Clone: true, Empty: true, Size: before.Size}
	if named {
		o.Also = r.hashes()
	}
	o.Accept = func(size int64) error {
		if size != before.Size || r.changed(fd, &before) {
			return errChanged
		}
		if named {
			return r.checkName(name, size)
		}
		return nil
	}
	it.put, err = r.w.PutFD(ctx, fd, o)
	e.Object = it.put.Object
	return err
}

func (r *fileReader) open(path string) (int, error) {
	fd, err := store.OpenUntouched(r.rootFD, path)
	switch {
	case errors.Is(err, unix.ENOENT):
		err = errGone
	case err != nil:
		err = &store.SourceError{Err: err}
	}
	return fd, err
}

func (r *fileReader) changed(fd int, before *unix.Stat_t) bool {
	var after unix.Stat_t
	return unix.Fstat(fd, &after) != nil || after.Size != before.Size || after.Mtim != before.Mtim
}

// hashes returns fresh hashes of what a Name is made of.
func (r *fileReader) hashes() []hash.Hash {
	if r.sha1Sum == nil {
		r.sha1Sum, r.md5Sum = sha1.New(), md5.New()
	}
	r.sha1Sum.Reset()
	r.md5Sum.Reset()
	if r.md5 {
		return []hash.Hash{r.sha1Sum, r.md5Sum}
	}
	return []hash.Hash{r.sha1Sum}
}

func (r *fileReader) checkName(want fossology.Name, size int64) error {
	got := fossology.Name{MD5: want.MD5, Size: size}
	r.sha1Sum.Sum(got.SHA1[:0])
	if r.md5 {
		r.md5Sum.Sum(got.MD5[:0])
	}
	if got != want {
		return fmt.Errorf("%w: sha1 %x, %d bytes", errNotName, got.SHA1, size)
	}
	return nil
}
