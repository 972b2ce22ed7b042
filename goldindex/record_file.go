package goldindex

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"repotool/fossology"
)

// recordWindow is how far back zstd looks. Names repeat within a directory; a
// reader needs as much memory.
const recordWindow = 1 << 20

// An entry is what the name of a record's file says:
//
//	golds/<two digits>/<Name>.<kind>.<id of the unpacker>.<checksum of the file>
//
// so a list of the directory tells which golds are known, and by whom.
type entry struct {
	gold     fossology.Name
	kind     Kind
	unpacker uint64
	sum      uint64
	size     int64 // of the file
}

func (e entry) file() string {
	return fmt.Sprintf("%s.%c.%016x.%016x", e.gold, byte(e.kind), e.unpacker, e.sum)
}

// parseEntry reads the name of a record's file.
func parseEntry(name string) (e entry, ok bool) {
	parts := strings.Split(name, ".")
	if len(parts) != 6 || len(parts[3]) != 1 {
		return e, false
	}
	if e.gold, ok = fossology.ParseName(strings.Join(parts[:3], ".")); !ok {
		return e, false
	}
	e.kind = Kind(parts[3][0])
	var errs [2]error
	e.unpacker, errs[0] = strconv.ParseUint(parts[4], 16, 64)
	e.sum, errs[1] = strconv.ParseUint(parts[5], 16, 64)
	return e, e.kind.known() && errs[0] == nil && errs[1] == nil && e.file() == name
}

func (l *Ledger) recordPath(e entry) string {
	name := e.file()
	return filepath.Join(l.dir, "golds", name[:2], name)
}

// record writes the record of a gold; fill adds its rows. The records that the gold
// had before go when the new one is on the disk.
func (l *Ledger) record(gold fossology.Name, kind Kind, h *Header, fill func(add func(*Row) error) error) error {
	h.Gold, h.Kind = gold.String(), string(rune(kind))
	f, err := l.create()
	if err != nil {
		return err
	}
	if err := writeRecord(f, h, fill); err != nil {
		f.discard()
		return fmt.Errorf("write record of gold %s: %w", gold, err)
	}
	e := entry{gold: gold, kind: kind, unpacker: h.Unpacker.id(), sum: f.id(), size: f.n}
	if err := f.publish(l.recordPath(e)); err != nil {
		return fmt.Errorf("record of gold %s: %w", gold, err)
	}
	return l.enter(e)
}

func writeRecord(w io.Writer, h *Header, fill func(add func(*Row) error) error) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(recordWindow))
	if err != nil {
		return err
	}
	e, err := newRecordEncoder(z, h)
	if err == nil && fill != nil {
		err = fill(e.add)
	}
	if err == nil {
		err = e.close()
	}
	return errors.Join(err, z.Close())
}

// read reads the record of an entry, and calls each for its rows. Without each it
// reads the header only, and checks no more than that.
func (l *Ledger) read(e entry, each func(*Row) error) (*Header, error) {
	h, err := readRecord(l.recordPath(e), each)
	if err == nil && (h.Gold != e.gold.String() || h.Kind != string(rune(e.kind))) {
		err = fmt.Errorf("%w: it is that of %s", ErrDamaged, h.Gold)
	}
	if err != nil {
		return nil, fmt.Errorf("read record of gold %s: %w", e.gold, err)
	}
	return h, nil
}

func readRecord(path string, each func(*Row) error) (*Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(recordWindow))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return decodeRecord(z, each)
}

// A Record is what the ledger says of one gold, without its rows.
type Record struct {
	Gold    fossology.Name
	Kind    Kind
	Present bool // it is of the present unpacker
	Header
}

// Records yields the record of every gold in the order of their Names. It reads all
// of each, so that an error says that one is damaged; the others follow.
func (l *Ledger) Records(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, e := range l.entries() {
			r := Record{Gold: e.gold, Kind: e.kind, Present: e.isPresent(l)}
			h, err := l.read(e, func(*Row) error { return ctx.Err() })
			if err == nil {
				r.Header = *h
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
