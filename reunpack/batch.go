package reunpack

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// A file gets its Name when it is on the disk, else a machine that dies could leave an
// empty one there. To wait for each would take longer than to unpack it, so many wait
// together.
const (
	batchFiles = 256 // open at once for each host; processes may have 1024 open
	batchBytes = 256 << 20
)

// A waiting file is complete and has no Name yet.
type waiting struct {
	*blank
	name fossology.Name
	path string // below the target
}

// atStep is called before each step that lasts: the crash tests end the process there.
var atStep = func() {}

// put takes a complete file over. Its name comes at the end of the batch.
func (t *target) put(b *blank, n fossology.Name, path string, r *tally) error {
	if err := t.dressFD(b.fd, t.style.file); err != nil {
		t.discard(b)
		return &pathError{"set owner and mode of", filepath.Join(t.top, path), err}
	}
	t.mu.Lock()
	t.batch = append(t.batch, waiting{b, n, path})
	t.bytes += n.Size
	full := len(t.batch) >= batchFiles || t.bytes >= batchBytes
	t.mu.Unlock()
	if full {
		return t.flush(r)
	}
	return nil
}

// flush writes what waits to the disk and gives it its names. After an error what is
// left has none, and is gone.
func (t *target) flush(r *tally) (err error) {
	t.mu.Lock()
	batch := t.batch
	t.batch, t.bytes = nil, 0
	t.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	atStep()
	if err = unix.Syncfs(batch[0].fd); err != nil {
		err = &pathError{"write to the disk of", t.top, err}
	}
	paths := make([]string, len(batch))
	for i, w := range batch {
		paths[i] = w.path
	}
	if err == nil {
		t.makeDirs(paths)
	}
	for _, w := range batch {
		if err == nil {
			err = t.name(w, r)
		}
		t.discard(w.blank)
	}
	return err
}

// name links a file into its place.
func (t *target) name(w waiting, r *tally) error {
	full := filepath.Join(t.top, w.path)
	atStep()
	dir, err := fossology.OpenBeneath(t.fd, filepath.Dir(w.path))
	if errors.Is(err, unix.ENOENT) {
		if err = t.mkdirs(w.path); err == nil {
			dir, err = fossology.OpenBeneath(t.fd, filepath.Dir(w.path))
		}
	}
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		r.lost(w.name, NoPlace, "on the way to "+full+" stands what is no directory")
		return nil
	}
	if err != nil {
		return &pathError{"open the directory of", full, err}
	}
	defer unix.Close(dir)
	atStep()
	err = t.link(w.blank, dir, filepath.Base(w.path))
	atStep()
	switch {
	case errors.Is(err, unix.EEXIST):
		same, err := same(dir, w)
		if err != nil {
			return &pathError{"compare", full, err}
		}
		if same {
			r.there(w.name)
		} else {
			r.lost(w.name, WrongBytes, full+" has other bytes")
		}
		return nil
	case err != nil:
		return &pathError{"write", full, err}
	}
	r.wrote(w.name)
	return nil
}

// same says whether what stands in a file's place is the same bytes.
func same(dir int, w waiting) (bool, error) {
	fd, err := unix.Openat(dir, filepath.Base(w.path), unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != w.name.Size {
		return false, err
	}
	var a, b [64 << 10]byte
	for at := int64(0); at < w.name.Size; {
		n, err := preadFull(fd, a[:], at)
		if err != nil {
			return false, err
		}
		m, err := preadFull(w.fd, b[:n], at)
		if err != nil || n == 0 || !bytes.Equal(a[:n], b[:m]) {
			return false, err
		}
		at += int64(n)
	}
	return true, nil
}

// preadFull reads as much as there is.
func preadFull(fd int, b []byte, at int64) (n int, err error) {
	for n < len(b) {
		m, err := unix.Pread(fd, b[n:], at+int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// writer writes to a blank.
type writer int

func (fd writer) Write(b []byte) (n int, err error) {
	for n < len(b) {
		m, err := unix.Write(int(fd), b[n:])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return n, err
		case m == 0:
			return n, io.ErrShortWrite
		}
		n += max(m, 0)
	}
	return n, nil
}
