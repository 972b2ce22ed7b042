package fossology

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Note is a file that says that a scheduler was, or is about to be, stopped,
// and by whom. It is written and synced before the stop and removed after the
// start; one that is found while its writer is dead means that the scheduler
// must be started. It has the form of JSON with the fields below, the version
// first. One scheduler has one note, named after its address.
type Note struct {
	Version        int       `json:"version"`
	Installation   string    `json:"installation,omitempty"`
	Scheduler      string    `json:"scheduler"`                 // host:port
	SchedulerPID   int       `json:"scheduler_pid"`             // of the one that was stopped; 0 if none ran
	SchedulerStart int64     `json:"scheduler_start,omitempty"` // when it started, as in processID; 0 if not known
	StartCommand   []string  `json:"start_command"`             // for people; what is run is never taken from here
	Time           time.Time `json:"time"`
	Host           string    `json:"host"`
	Boot           string    `json:"boot"`              // of the host, changes when it starts
	Owner          processID `json:"owner"`             // who stopped it
	Watchdog       processID `json:"watchdog,omitzero"` // who starts it if the owner dies
	Path           string    `json:"-"`                 // of the file
	Damaged        error     `json:"-"`                 // why the file cannot be read, if it cannot
}

// noteVersion is the version of the notes that are written here. Higher ones
// are not touched.
const noteVersion = 1

// notePrefix begins the name of every note.
const notePrefix = "scheduler-stopped-"

// A processID is a process number, which can be used again, with the time of the
// process's start, in clock ticks since the host's, which tells the difference.
type processID struct {
	PID   int   `json:"pid"`
	Start int64 `json:"start"`
}

// noteFile returns the path of the note of a scheduler.
func noteFile(dir, scheduler string) string {
	safe := strings.Map(func(r rune) rune {
		if r < 128 && (isWord(byte(r)) || r == '.' || r == '-') {
			return r
		}
		return '_'
	}, scheduler)
	return filepath.Join(dir, notePrefix+safe+".json")
}

// PendingNotes returns the notes in a directory, in the order of their names.
// A file that looks like a note and cannot be read is returned as Damaged. It is
// no error if there is no such directory.
func PendingNotes(dir string) ([]Note, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	var notes []Note
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), notePrefix) || !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		n, err := readNote(filepath.Join(dir, e.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed meanwhile
			continue
		case err != nil:
			n = Note{Path: filepath.Join(dir, e.Name()), Damaged: err}
		}
		notes = append(notes, n)
	}
	return notes, nil
}

func readNote(file string) (Note, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Note{}, fmt.Errorf("read note: %w", err)
	}
	n := Note{Path: file}
	if err := json.Unmarshal(b, &n); err != nil {
		return Note{}, fmt.Errorf("read note %s: %w", file, err)
	}
	if n.Version != noteVersion {
		return Note{}, fmt.Errorf("read note %s: found version %d: expected %d", file, n.Version, noteVersion)
	}
	return n, nil
}

// Elsewhere reports whether another host, or this one under another name, has written
// the note.
func (n Note) Elsewhere() bool { return n.Host != hostname() }

// Held reports whether somebody who is alive will start the scheduler: the
// process that stopped it or its watchdog. Of another host's note that cannot be
// known, so it counts as held.
func (n Note) Held() bool {
	if n.Damaged != nil {
		return false
	}
	if n.Elsewhere() {
		return true
	}
	return n.Boot == bootID() && (n.Owner.alive() || n.Watchdog.alive())
}

// stillStopped returns the number of the scheduler that was told to stop, or 0 if none was or if the number can
// be that of another process by now: after a start of the host or of a container numbers are given out anew.
func (n Note) stillStopped() int {
	switch {
	case n.Watchdog.PID == 0: // the stop was never sent
		return 0
	case n.Boot != bootID(), n.SchedulerStart != 0 && processStart(n.SchedulerPID) != n.SchedulerStart:
		return 0
	}
	return n.SchedulerPID
}

// create writes the note unless there is one; then the error is fs.ErrExist.
// It returns when the note would outlive a loss of power.
func (n Note) create() error {
	return n.write(os.Link)
}

// replace writes the note over the one that is there.
func (n Note) replace() error {
	return n.write(os.Rename)
}

func (n Note) write(place func(from, to string) error) error {
	b, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(n.Path)
	f, err := os.CreateTemp(dir, ".note-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := place(f.Name(), n.Path); err != nil {
		return err
	}
	return syncDir(dir)
}

// remove takes the note away. It is no error if it is gone.
func (n Note) remove() error {
	err := os.Remove(n.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove note: %w", err)
	}
	return syncDir(filepath.Dir(n.Path))
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// lockNotes keeps other processes from looking at notes and changing them until
// unlock is called. The lock ends with the process. Who has it may be starting a
// scheduler, so it is waited for as long as the context lasts.
func lockNotes(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) || !pause(ctx, startPoll) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
	}
}

// thisProcess identifies the present process.
func thisProcess() processID { return identify(os.Getpid()) }

// identify returns the identity of a process; without a start if there is none.
func identify(pid int) processID {
	return processID{PID: pid, Start: processStart(pid)}
}

// alive reports whether the process exists, and is no zombie.
func (p processID) alive() bool {
	return p.PID > 0 && p.Start > 0 && processStart(p.PID) == p.Start
}

// processStart returns when a process started, or 0 if it does not live.
func processStart(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// pid (name) state ...: the name may hold blanks and brackets. The start
	// is field 22, the state field 3.
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return 0
	}
	start, err := strconv.ParseInt(f[19], 10, 64)
	if err != nil {
		return 0
	}
	return start
}

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
