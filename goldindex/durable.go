package goldindex

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zeebo/blake3"
)

// A newFile is a file that is being written beside the ledger's others. It has its
// name only when it is complete and on the disk.
type newFile struct {
	f   *os.File
	buf *bufio.Writer
	sum *blake3.Hasher
	n   int64
}

// create begins a file in the ledger's directory for such.
func (l *Ledger) create() (*newFile, error) {
	f, err := os.CreateTemp(filepath.Join(l.dir, "tmp"), "new-*")
	if err != nil {
		return nil, fmt.Errorf("write ledger: %w", err)
	}
	w := &newFile{f: f, sum: blake3.New()}
	w.buf = bufio.NewWriterSize(f, 256<<10)
	return w, nil
}

func (w *newFile) Write(b []byte) (int, error) {
	n, err := w.buf.Write(b)
	w.sum.Write(b[:n])
	w.n += int64(n)
	return n, err
}

// id is a checksum of what has been written.
func (w *newFile) id() uint64 {
	var sum [32]byte
	return binary.BigEndian.Uint64(w.sum.Sum(sum[:0]))
}

// atStep is called before each step that lasts, and after the last: the crash tests end
// the process there.
var atStep = func() {}

// publish gives the file its name. Whatever happens, the name shows nothing, what
// it showed before, or all of the file.
func (w *newFile) publish(name string) (err error) {
	defer func() {
		if err != nil {
			w.discard()
			err = fmt.Errorf("write ledger: %w", err)
		}
	}()
	if err := w.buf.Flush(); err != nil {
		return err
	}
	if err := w.f.Chmod(0o644); err != nil {
		return err
	}
	atStep()
	if err := w.f.Sync(); err != nil {
		return err
	}
	if err := w.f.Close(); err != nil {
		return err
	}
	dir := filepath.Dir(name)
	switch err := os.Mkdir(dir, 0o755); {
	case err == nil:
		atStep()
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	atStep()
	if err := os.Rename(w.f.Name(), name); err != nil {
		return err
	}
	atStep()
	defer atStep()
	return syncDir(dir)
}

// discard gives up a file that is not complete.
func (w *newFile) discard() {
	w.f.Close()
	os.Remove(w.f.Name())
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// fileID is the checksum of a file as id computes it.
func fileID(name string) (uint64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h := blake3.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, f, make([]byte, 256<<10)); err != nil {
		return 0, err
	}
	var sum [32]byte
	return binary.BigEndian.Uint64(h.Sum(sum[:0])), nil
}

// remove removes a file that may be gone already.
func remove(name string) error {
	atStep()
	defer atStep()
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("tidy ledger: %w", err)
	}
	return nil
}
