package snapshot

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/zeebo/blake3"
	"repotool/fossology"
	"repotool/store"
)

// The scan cache remembers the directories of the last walk, so that the next
// one need not read those that have not changed. It belongs to exactly one
// list of segments: with any other it is not used. It may be deleted at any
// time. Format: a JSON line (cacheHead), rows (uvarint shared prefix, uvarint
// length, rest; uvarint inode; varint mtime difference; varint ctime-mtime),
// and the BLAKE3-256 of all that.
type cacheHead struct {
	Version int       `json:"version"`
	Key     string    `json:"key"`  // of the segments it belongs to
	Full    time.Time `json:"full"` // when every directory was last read
}

const cacheVersion = 1

// cacheKey names a state of the repository.
func cacheKey(repository string, segments []Segment) string {
	b, _ := json.Marshal(struct {
		R string
		S []Segment
	}{repository, segments})
	return store.Sum(b).String()
}

// A cacheWriter writes rows; the head is known only at the end, so it stands
// in a file of its own until then.
type cacheWriter struct {
	rows  *os.File
	buf   *bufio.Writer
	last  fossology.Dir
	row   []byte
	retry map[string]bool // directories that must be read again
}

func newCacheWriter(dir string) (*cacheWriter, error) {
	f, err := os.CreateTemp(dir, "scan-")
	if err != nil {
		return nil, fmt.Errorf("write scan cache: %w", err)
	}
	os.Remove(f.Name())
	return &cacheWriter{rows: f, buf: bufio.NewWriterSize(f, 1<<18), retry: map[string]bool{}}, nil
}

func (w *cacheWriter) close() { w.rows.Close() }

func (w *cacheWriter) add(d fossology.Dir) error {
	shared := 0
	for shared < min(len(d.Path), len(w.last.Path)) && d.Path[shared] == w.last.Path[shared] {
		shared++
	}
	b := binary.AppendUvarint(w.row[:0], uint64(shared))
	b = binary.AppendUvarint(b, uint64(len(d.Path)-shared))
	b = append(b, d.Path[shared:]...)
	b = binary.AppendUvarint(b, d.Inode)
	b = binary.AppendVarint(b, d.Mtime-w.last.Mtime)
	b = binary.AppendVarint(b, d.Ctime-d.Mtime)
	w.row, w.last = b, d
	_, err := w.buf.Write(b)
	return err
}

// again makes the next scan read the directory of a path again.
func (w *cacheWriter) again(p string) {
	dir := path.Dir(p)
	if dir == "." {
		dir = ""
	}
	w.retry[dir] = true
}

// save puts the cache into its place. Directories to be retried lose their
// signature on the way.
func (w *cacheWriter) save(name string, head cacheHead) error {
	if err := w.buf.Flush(); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(w.rows.Name()), "scan-")
	if err != nil {
		return fmt.Errorf("write scan cache: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	hash := blake3.New()
	out := bufio.NewWriterSize(io.MultiWriter(f, hash), 1<<18)
	line, err := json.Marshal(head)
	if err != nil {
		return err
	}
	out.Write(append(line, '\n'))
	if len(w.retry) == 0 {
		if _, err := w.rows.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(out, w.rows); err != nil {
			return err
		}
	} else if err := w.rewrite(out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if _, err := f.Write(hash.Sum(nil)); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func (w *cacheWriter) rewrite(out *bufio.Writer) error {
	again := &cacheWriter{rows: nil, buf: out}
	for d := range w.dirs() {
		if err := again.add(d); err != nil {
			return err
		}
	}
	return nil
}

// dirs yields what was added so far.
func (w *cacheWriter) dirs() iter.Seq[fossology.Dir] {
	return func(yield func(fossology.Dir) bool) {
		if w.buf.Flush() != nil {
			return
		}
		info, err := w.rows.Stat()
		if err != nil {
			return
		}
		readDirs(io.NewSectionReader(w.rows, 0, info.Size()), func(d fossology.Dir) bool {
			if w.retry[d.Path] {
				d.Signature = fossology.Signature{}
			}
			return yield(d)
		})
	}
}

// readDirs decodes rows until they end or yield has enough.
func readDirs(in io.Reader, yield func(fossology.Dir) bool) {
	r := bufio.NewReaderSize(in, 1<<18)
	var d fossology.Dir
	var path []byte
	for {
		shared, err := binary.ReadUvarint(r)
		if err != nil || shared > uint64(len(path)) {
			return
		}
		n, err := binary.ReadUvarint(r)
		if err != nil || n > maxPath {
			return
		}
		path = append(path[:shared], make([]byte, n)...)
		if _, err := io.ReadFull(r, path[shared:]); err != nil {
			return
		}
		d.Path = string(path)
		if d.Inode, err = binary.ReadUvarint(r); err != nil {
			return
		}
		m, err := binary.ReadVarint(r)
		if err != nil {
			return
		}
		c, err := binary.ReadVarint(r)
		if err != nil {
			return
		}
		d.Mtime += m
		d.Ctime = d.Mtime + c
		if !yield(d) {
			return
		}
	}
}

// A scanCache is one that was read back.
type scanCache struct {
	f    *os.File
	head cacheHead
	at   int64
	size int64
}

// openScanCache returns nil if there is no cache for these segments, or a
// damaged one: then every directory is read.
func openScanCache(name, key string) *scanCache {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	c := &scanCache{f: f}
	if !c.check(key) {
		f.Close()
		return nil
	}
	return c
}

func (c *scanCache) check(key string) bool {
	info, err := c.f.Stat()
	if err != nil || info.Size() < 32 {
		return false
	}
	line, err := bufio.NewReader(io.NewSectionReader(c.f, 0, info.Size())).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &c.head) != nil || c.head.Version != cacheVersion || c.head.Key != key {
		return false
	}
	c.at, c.size = int64(len(line)), info.Size()-32
	hash := blake3.New()
	if _, err := io.Copy(hash, io.NewSectionReader(c.f, 0, c.size)); err != nil {
		return false
	}
	sum := make([]byte, 32)
	_, err = c.f.ReadAt(sum, c.size)
	return err == nil && bytes.Equal(sum, hash.Sum(nil))
}

func (c *scanCache) dirs() iter.Seq[fossology.Dir] {
	return func(yield func(fossology.Dir) bool) {
		readDirs(io.NewSectionReader(c.f, c.at, c.size-c.at), yield)
	}
}

func (c *scanCache) close() { c.f.Close() }
