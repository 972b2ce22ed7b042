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

// A journal is the file of one deed. Its lines are of the kinds below, in this order:
// start; for each batch begin and done; at last end. undone may follow.

// entry is a line of a journal.
type entry struct {
	Kind    string    `json:"kind"`
	Time    time.Time `json:"time"`
	Plan    string    `json:"plan,omitempty"`    // start
	To      int64     `json:"to,omitempty"`      // begin, done: the victim behind the batch
	Files   []string  `json:"files,omitempty"`   // begin: the Names that are about to be removed
	Hosts   []string  `json:"hosts,omitempty"`   // begin: of each
	Report  *Report   `json:"report,omitempty"`  // done, end: all that was done so far
	Back    *Sum      `json:"back,omitempty"`    // undone: what was brought back
	Missing int64     `json:"missing,omitempty"` // undone: what could not be
}

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
	return "repotool prune --resume goes on with one that was interrupted, --undo brings back what it removed; else make a new plan"
}

// journal is one that is being written.
type journal struct {
	f   *os.File
	now func() time.Time
}

// createJournal begins the journal of a plan, which is written beside it, first.
func createJournal(dir string, p *Plan, now func() time.Time) (*journal, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	name := JournalOf(dir, p.ID)
	if _, err := os.Lstat(name); err == nil {
		return nil, &DoneError{name}
	}
	if err := writePlan(filepath.Join(dir, p.ID+planEnding), p); err != nil {
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
	if err := errors.Join(j.write(entry{Kind: lineStart, Plan: p.ID}), f.Sync(), syncDir(dir)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// writePlan writes a plan so that it is there whole, or not at all.
func writePlan(name string, p *Plan) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".plan-")
	if err != nil {
		return err
	}
	err = errors.Join(p.Write(f), f.Chmod(0o644), f.Sync(), f.Close())
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

func (j *journal) write(e entry) error {
	e.Time = j.now().UTC()
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	b = fmt.Appendf(b, "\t%08x\n", crc32.Checksum(b, castagnoli))
	if _, err := j.f.Write(b); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// begin says what is about to be removed. It is on the disk when it returns.
func (j *journal) begin(to int64, batch []*candidate) error {
	e := entry{Kind: lineBegin, To: to}
	for _, c := range batch {
		e.Files = append(e.Files, c.v.Name.String())
		e.Hosts = append(e.Hosts, c.v.Host)
	}
	if err := j.write(e); err != nil {
		return err
	}
	if err := unix.Fdatasync(int(j.f.Fd())); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

func (j *journal) done(to int64, r *Report) error {
	return j.write(entry{Kind: lineDone, To: to, Report: r})
}

func (j *journal) end(r *Report) error {
	return errors.Join(j.write(entry{Kind: lineEnd, Report: r}), j.f.Sync())
}

// ErrJournal means that a journal is damaged elsewhere than at its end, where a crash
// may have cut it.
var ErrJournal = errors.New("the journal is damaged")

// entries yields the lines of a journal. A last one that was cut is left out; where the
// whole ones end is returned.
func readEntries(r io.Reader, each func(entry) error) (whole int64, err error) {
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
		var e entry
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
