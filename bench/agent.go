package bench

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// An AgentTime is what FOSSology's own unpacker takes.
type AgentTime struct {
	Name          string  `json:"name"` // of the archive
	What          string  `json:"what"` // who was measured
	In            int64   `json:"in"`
	Files         int64   `json:"files"`                   // that came out, each place of one; 0: not counted
	Out           int64   `json:"out"`                     // their bytes
	Distinct      int64   `json:"distinct,omitempty"`      // bytes of each content once; 0: not counted
	DistinctFiles int64   `json:"distinctFiles,omitempty"` // how many these are
	Seconds       float64 `json:"seconds"`
	CPU           float64 `json:"cpu"`
}

// Recorded is what FOSSology 4.7's own unpacker took once, on two processors that had other
// work: the second unpacking of an ISO of 26 source rpms, which makes no rows, in the faster
// of two runs. The notes of it count the ISO among what came out, 24,228 different files;
// here, as everywhere, it is what goes in. Of 30,350 rows they do not say how many are files.
var Recorded = AgentTime{Name: "ISO of 26 source rpms", What: "FOSSology (recorded)", In: 66_271_232, Out: 945_279_737 - 66_271_232,
	Distinct: 919_939_122 - 66_271_232, DistinctFiles: 24_228 - 1, Seconds: 125.9, CPU: 63.7}

// RecordedFirst is how many seconds the first unpacking took, with its rows and through the
// queue.
const RecordedFirst = 476.1

// Agent runs FOSSology's unpacker on a file, alone, without a database, and counts what it
// leaves in a temporary directory.
func Agent(ctx context.Context, file, program string) (a AgentTime, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return a, err
	}
	dir, err := os.MkdirTemp("", "repotool-bench-")
	if err != nil {
		return a, err
	}
	defer os.RemoveAll(dir)
	// C: go on whatever a tool says; R: archives in archives; -d: there.
	u, err := Command{Args: []string{program, "-C", "-R", "-q", "-d", dir, file}}.Run(ctx)
	if err != nil {
		return a, fmt.Errorf("run FOSSology's unpacker: %w", err)
	}
	a = AgentTime{Name: filepath.Base(file), What: "FOSSology", In: info.Size(), Seconds: u.Wall, CPU: u.CPU}
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			a.Files, a.Out = a.Files+1, a.Out+info.Size()
		}
		return err
	})
	return a, err
}
