package prune

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A journal is the file of one deed, of a prune or of a dedup. Each line is one of the
// kinds below, in this order: start; for each batch begin and done; at last end. undone
// may follow.

// The kinds of lines.
const (
	lineStart  = "start"
	lineBegin  = "begin"
	lineDone   = "done"
	lineEnd    = "end"
	lineUndone = "undone"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Journals name their files by the plan.
const (
	planEnding    = ".plan"
	journalEnding = ".journal"
)

// JournalOf is the file in which a plan's deed is written down, in a directory.
func JournalOf(dir, plan string) string { return filepath.Join(dir, plan+journalEnding) }

// A DoneError says that a plan was carried out, or begun, before.
type DoneError struct{ Journal string }

func (e *DoneError) Error() string { return "this plan was carried out before: " + e.Journal }

// Hint says what to do.
func (e *DoneError) Hint() string {
	return "--resume goes on with one that was interrupted, --undo takes back what it did; else make a new plan"
}

// journal is one that is being written.
type journal struct {
	f   *os.File
	now func() time.Time
}

// createJournal begins the journal of a plan, which is written beside it, first.
func createJournal(dir, plan string, write func(io.Writer) error, now func() time.Time) (*journal, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	name := JournalOf(dir, plan)
	if _, err := os.Lstat(name); err == nil {
		if begun, err := hasBegun(name); begun || err != nil {
			return nil, errors.Join(err, &DoneError{name})
		}
		if err := os.Remove(name); err != nil {
			return nil, err
		}
	}
	if err := writePlan(filepath.Join(dir, plan+planEnding), write); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, &DoneError{name}
	}
	if err != nil {
		return nil, err
	}
	j := &journal{f, now}
	if err := errors.Join(j.write(entry{Kind: lineStart, Time: j.time(), Plan: plan}), f.Sync(), syncDir(dir)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// hasBegun says whether a journal has a line. Without one its run ended before it did anything.
func hasBegun(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	enough := errors.New("enough")
	_, err = readEntries(f, func(entry) error { return enough })
	return err != nil, nil
}

// writePlan writes a plan so that it is there whole, or not at all.
func writePlan(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".plan-")
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (j *journal) time() time.Time { return j.now().UTC() }

// write appends a line.
func (j *journal) write(line any) error {
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	b = fmt.Appendf(b, "\t%08x\n", crc32.Checksum(b, castagnoli))
	if _, err := j.f.Write(b); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// writeThrough appends a line, which is on the disk when it returns.
func (j *journal) writeThrough(line any) error {
	if err := j.write(line); err != nil {
		return err
	}
	if err := unix.Fdatasync(int(j.f.Fd())); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// ErrJournal means that a journal is damaged elsewhere than at its end, where a crash
// may have cut it.
var ErrJournal = errors.New("the journal is damaged")

// A JournalError says which journal cannot be read.
type JournalError struct {
	File string
	Err  error
}

func (e *JournalError) Error() string { return "read journal " + e.File + ": " + e.Err.Error() }

func (e *JournalError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *JournalError) Hint() string {
	return "bring it back from a backup of the store; or move it elsewhere with its plan: then what its run did cannot be undone"
}

// readEntries yields the lines of a journal. A last one that was cut is left out; where the
// whole ones end is returned.
func readEntries[E any](r io.Reader, each func(E) error) (whole int64, err error) {
	b := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := b.ReadString('\n')
		if err == io.EOF {
			return whole, nil // the rest was cut
		}
		if err != nil {
			return whole, err
		}
		text, sum, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		want, err := strconv.ParseUint(sum, 16, 32)
		var e E
		if err != nil || uint32(want) != crc32.Checksum([]byte(text), castagnoli) || json.Unmarshal([]byte(text), &e) != nil {
			if _, more := b.Peek(1); more == io.EOF {
				return whole, nil
			}
			return whole, fmt.Errorf("line %d: %w", n, ErrJournal)
		}
		whole += int64(len(line))
		if err := each(e); err != nil {
			return whole, err
		}
	}
}
