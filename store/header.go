package store

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"
)

// header is store.json, which is sealed.
type header struct {
	Version int       `json:"version"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Readme  string    `json:"readme,omitempty"` // BLAKE3 of README.txt
}

// write writes README.txt and then store.json: a directory without it is no store.
func (h header) write(dir string) error {
	sum := blake3.Sum256(readme)
	h.Readme = hex.EncodeToString(sum[:])
	b, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	if err := WriteFile(filepath.Join(dir, "README.txt"), readme); err != nil {
		return err
	}
	return WriteFile(filepath.Join(dir, "store.json"), Seal(b))
}

// CheckHeader says what is wrong with store.json and README.txt: nothing of what is stored
// depends on them, but people go by them. Those of earlier versions have no checksum.
func (s *Store) CheckHeader() error {
	b, err := readUntouched(s.Path("store.json"))
	if err != nil {
		return err
	}
	if err := CheckSealed(b, new(header)); err != nil {
		return fmt.Errorf("store.json: %w", err)
	}
	text, err := readUntouched(s.Path("README.txt"))
	sum := blake3.Sum256(text)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("README.txt, which says how to restore by hand, is not there")
	case err != nil:
		return err
	case s.head.Readme != "" && s.head.Readme != hex.EncodeToString(sum[:]):
		return errors.New("README.txt, which says how to restore by hand, is not as it was written")
	}
	return nil
}

// readUntouched reads a file, and leaves its access time as it is.
func readUntouched(name string) ([]byte, error) {
	fd, err := OpenUntouched(unix.AT_FDCWD, name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return io.ReadAll(f)
}

// CheckSealed says whether a text is as it was written. One of an earlier version, which
// has no seal, must hold nothing that into does not know.
func CheckSealed(b []byte, into any) error {
	switch sealed, good := Unseal(b); {
	case good:
		return nil
	case sealed:
		return ErrSeal
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil || !json.Valid(b) {
		return ErrSeal
	}
	return nil
}

// ErrSeal means that a text is not as it was written.
var ErrSeal = errors.New("its checksum is not that of what was written")

// Restate writes README.txt and store.json anew, with the store's identity.
func (s *Store) Restate() error {
	if err := s.head.write(s.dir); err != nil {
		return fmt.Errorf("write store.json: %w", err)
	}
	return nil
}
