package main

import (
	"archive/tar"
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mikelolasagasti/xz"
	"github.com/zeebo/blake3"
)

// A floor is what the work costs at least: the decoders that repotool uses, and its
// hashes over every content, one after another; no trees, no limits, no ledger, no
// writing. It opens what nearly all bytes are in (rpm, cpio, gzip, bzip2, xz, tar);
// what else repotool opens are some small files of tests.
type floor struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
	count int   // of hashes for each content
	free  []hashes
}

// floorOf makes the first hashes of the four, as many as are asked for. It works on the
// ISO and on the files that lie in it, copied into dir: a file system costs the tools that
// are compared more than it costs repotool.
func floorOf(hashes, iso, dir string) error {
	count, err := strconv.Atoi(hashes)
	if err != nil || count < 1 || count > 4 {
		return fmt.Errorf("%q hashes", hashes)
	}
	f, err := newFloor(count, iso, dir)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

func newFloor(count int, iso, dir string) (*floor, error) {
	f := &floor{count: count}
	rpms, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return nil, err
	}
	for _, path := range rpms {
		if err := f.file(path); err != nil {
			return nil, err
		}
	}
	top := &floor{count: count} // the ISO is read, but does not come out
	return f, top.file(iso)
}

// file hashes a file and what is in it.
func (f *floor) file(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := f.content(file); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// hashes are those that repotool makes of a content.
type hashes []hash.Hash

func (h hashes) Write(b []byte) (int, error) {
	for _, x := range h {
		x.Write(b)
	}
	return len(b), nil
}

func (f *floor) hashes() hashes {
	if n := len(f.free); n > 0 {
		h := f.free[n-1]
		f.free = f.free[:n-1]
		for _, x := range h {
			x.Reset()
		}
		return h
	}
	return hashes{sha1.New(), md5.New(), sha256.New(), blake3.New()}[:f.count]
}

// content hashes a content and what is in it.
func (f *floor) content(r io.Reader) error {
	h := f.hashes()
	defer func() { f.free = append(f.free, h) }()
	counted := &countedReader{r: io.TeeReader(r, h)}
	b := bufio.NewReaderSize(counted, 64<<10)
	head, _ := b.Peek(512)
	err := f.open(string(head), b)
	if _, rest := io.Copy(io.Discard, b); err == nil {
		err = rest
	}
	f.Files++
	f.Bytes += counted.n
	for _, x := range h {
		x.Sum(nil)
	}
	return err
}

type countedReader struct {
	r io.Reader
	n int64
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// open goes on by the first bytes.
func (f *floor) open(head string, b *bufio.Reader) error {
	switch {
	case strings.HasPrefix(head, "\xed\xab\xee\xdb"):
		return f.rpm(b)
	case strings.HasPrefix(head, "\x1f\x8b"):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil // some test's broken file
		}
		f.content(z)
	case strings.HasPrefix(head, "BZh"):
		f.content(bzip2.NewReader(b))
	case strings.HasPrefix(head, "\xfd7zXZ\x00"):
		if z, err := xz.NewReader(b, 0); err == nil {
			f.tar(z) // what comes out is no content of its own for FOSSology
		}
	case strings.HasPrefix(head, "070701"):
		return f.cpio(b)
	case len(head) >= 262 && head[257:262] == "ustar":
		f.tar(b)
	}
	return nil // what is damaged is so in the sources: it ends there
}

func (f *floor) tar(r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		if h.Typeflag == tar.TypeReg {
			if err := f.content(t); err != nil {
				return err
			}
		}
	}
}

// rpm passes over the lead and both headers.
func (f *floor) rpm(b *bufio.Reader) error {
	if _, err := b.Discard(96); err != nil {
		return err
	}
	for _, align := range []int64{8, 1} {
		var head [16]byte
		if _, err := io.ReadFull(b, head[:]); err != nil {
			return err
		}
		size := int64(binary.BigEndian.Uint32(head[8:]))*16 + int64(binary.BigEndian.Uint32(head[12:]))
		size += (align - size%align) % align
		if _, err := b.Discard(int(size)); err != nil {
			return err
		}
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return err
	}
	return f.content(z)
}

// cpio reads the newc format.
func (f *floor) cpio(b *bufio.Reader) error {
	for {
		var head [110]byte
		if _, err := io.ReadFull(b, head[:]); err != nil {
			return err
		}
		field := func(i int) int64 { v, _ := strconv.ParseInt(string(head[6+8*i:14+8*i]), 16, 64); return v }
		size, name := field(6), make([]byte, (110+field(11)+3)&^3-110)
		if _, err := io.ReadFull(b, name); err != nil {
			return err
		}
		if strings.HasPrefix(string(name), "TRAILER!!!") {
			return nil
		}
		if err := f.content(io.LimitReader(b, size)); err != nil {
			return err
		}
		if _, err := b.Discard(int(-size & 3)); err != nil {
			return err
		}
	}
}
