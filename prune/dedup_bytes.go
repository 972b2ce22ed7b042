package prune

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"
)

// headBytes of a file are hashed first: of most files that is all. Larger ones are read to
// their end only if another one begins in the same way.
const headBytes = 16 << 10

// partitions of the hashes are sorted one after another: so much less is in memory.
const partitions = 64

// byBytes finds files of the same bytes, wherever they are: it lists all, then hashes those
// that have another one of their size, then compares the hashes.
func (d *deduper) byBytes(ctx context.Context) error {
	f, err := scratch(d.o.TempDir)
	if err != nil {
		return err
	}
	defer f.Close()
	l := &listing{f: f, w: bufio.NewWriterSize(f, 256<<10), sizes: make([]uint8, sizeCounters)}
	if err := d.list(ctx, l); err != nil {
		return err
	}
	h := &heads{deduper: d, list: l}
	defer h.close()
	if err := h.hash(ctx); err != nil {
		return err
	}
	return h.compare(ctx)
}

// A head is the hash of a file's beginning, and where the file stands in the listing.
type head struct {
	sum [16]byte
	at  int64
}

const headWidth = 16 + 8

// heads are all of them, in files by their first bits.
type heads struct {
	*deduper
	list  *listing
	files [partitions]*os.File
	to    [partitions]*bufio.Writer
	count [partitions]int
}

func (h *heads) close() {
	for _, f := range h.files {
		if f != nil {
			f.Close()
		}
	}
}

// hash reads the beginnings of the files that have another one of their size.
func (h *heads) hash(ctx context.Context) (err error) {
	for i := range h.files {
		if h.files[i], err = scratch(h.o.TempDir); err != nil {
			return err
		}
		h.to[i] = bufio.NewWriterSize(h.files[i], 16<<10)
	}
	in := &counting{r: io.NewSectionReader(h.list.f, 0, h.list.at)}
	r := bufio.NewReaderSize(in, 256<<10)
	const together = 2048
	batch, at := make([]Member, 0, together), make([]int64, 0, together)
	sums := make([][16]byte, together)
	flush := func() error {
		if err := h.sums(ctx, batch, sums, headBytes); err != nil {
			return err
		}
		for i := range batch {
			if sums[i] == ([16]byte{}) {
				continue // it could not be read
			}
			if err := h.put(head{sums[i], at[i]}); err != nil {
				return err
			}
		}
		batch, at = batch[:0], at[:0]
		return nil
	}
	for in.n-int64(r.Buffered()) < h.list.at {
		begins := in.n - int64(r.Buffered())
		m, err := readMember(r)
		if err != nil {
			return fmt.Errorf("read the list of files: %w", err)
		}
		if *h.list.counter(m.size) < 2 {
			continue
		}
		if batch, at = append(batch, m), append(at, begins); len(batch) == together {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// counting knows how much was read.
type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

func (h *heads) put(x head) error {
	i := x.sum[0] % partitions
	h.count[i]++
	b := binary.BigEndian.AppendUint64(x.sum[:], uint64(x.at))
	if _, err := h.to[i].Write(b); err != nil {
		return fmt.Errorf("write the list of files: %w", err)
	}
	return nil
}

// sums hashes sizes and first bytes of files, several at once; that of one which cannot be
// read is zero.
func (h *heads) sums(ctx context.Context, files []Member, sums [][16]byte, most int64) error {
	return inParallel(ctx, len(files), func(i int, buf []byte) {
		sums[i] = [16]byte{}
		m := &files[i]
		fd, err := openFile(h.top, m.Path)
		if err == nil {
			sums[i], err = sumOf(ctx, fd, m.size, most, buf)
			unix.Close(fd)
		}
		if err != nil {
			sums[i] = [16]byte{}
		}
	})
}

// sumOf hashes a size, and the bytes of a file as far as that, or most of them.
func sumOf(ctx context.Context, fd int, size, most int64, buf []byte) (sum [16]byte, err error) {
	h := blake3.New()
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(size))
	h.Write(b[:])
	for at := int64(0); at < min(size, most); {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		n, err := readAt(fd, buf[:min(int64(len(buf)), min(size, most)-at)], at)
		if err != nil {
			return sum, err
		}
		if n == 0 {
			return sum, io.ErrUnexpectedEOF
		}
		h.Write(buf[:n])
		at += int64(n)
	}
	copy(sum[:], h.Sum(nil))
	return sum, nil
}

// compare finds equal hashes, partition by partition.
func (h *heads) compare(ctx context.Context) error {
	for i := range h.files {
		if err := h.to[i].Flush(); err != nil {
			return fmt.Errorf("write the list of files: %w", err)
		}
		all, err := h.partition(i)
		if err != nil {
			return err
		}
		for len(all) > 0 {
			n := 1
			for n < len(all) && all[n].sum == all[0].sum {
				n++
			}
			if n > 1 {
				if err := h.alike(ctx, all[:n]); err != nil {
					return err
				}
			}
			all = all[n:]
		}
	}
	return nil
}

// partition reads one, and sorts it.
func (h *heads) partition(i int) ([]head, error) {
	b := make([]byte, h.count[i]*headWidth)
	if _, err := h.files[i].ReadAt(b, 0); err != nil && len(b) > 0 {
		return nil, fmt.Errorf("read the list of files: %w", err)
	}
	all := make([]head, h.count[i])
	for k := range all {
		x := b[k*headWidth:]
		all[k] = head{[16]byte(x[:16]), int64(binary.BigEndian.Uint64(x[16:]))}
	}
	slices.SortFunc(all, func(a, b head) int { return cmp.Or(bytes.Compare(a.sum[:], b.sum[:]), cmp.Compare(a.at, b.at)) })
	return all, nil
}

// alike takes up files that begin in the same way.
func (h *heads) alike(ctx context.Context, all []head) error {
	members := make([]Member, len(all))
	for i := range all {
		var err error
		if members[i], err = h.list.member(all[i].at); err != nil {
			return err
		}
	}
	size := members[0].size
	if size <= headBytes {
		return h.group(size, members)
	}
	sums := make([][16]byte, len(members))
	if err := h.sums(ctx, members, sums, size); err != nil {
		return err
	}
	by, order := map[[16]byte][]Member{}, [][16]byte{}
	for i := range members {
		if by[sums[i]] == nil {
			order = append(order, sums[i])
		}
		by[sums[i]] = append(by[sums[i]], members[i])
	}
	for _, sum := range order {
		if same := by[sum]; len(same) > 1 && sum != ([16]byte{}) {
			if err := h.group(size, same); err != nil {
				return err
			}
		}
	}
	return nil
}
