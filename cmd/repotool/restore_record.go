package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"repotool/bench"
	"repotool/store"
)

// Restores are written down in the store, a line of JSON each, so that bench report --check
// can compare its forecasts with what then was.

func restoresFile(st *store.Store, installation string) string {
	return st.Path("restores", installation+".jsonl")
}

// record writes down what the restore took. A store that cannot be written to is no fault.
func (r *restoration) record() {
	if r.result.Plan || r.result.Files == nil || r.result.Files.Written == 0 {
		return
	}
	line := bench.Restored{Time: r.now().UTC(), Snapshot: r.result.Snapshot, Whole: len(r.only) == 0, Files: r.result.Files.Written, Bytes: r.result.Files.NewBytes, Kept: r.result.Files.Kept,
		Database: len(r.databases) > 0, Stored: r.result.Stored, Seconds: r.result.Seconds}
	if r.result.Rebuild != nil {
		line.Rebuilt, line.Made = r.result.Rebuild.Rebuilt.Files, r.result.Rebuild.Rebuilt.Bytes
	}
	b, err := json.Marshal(line)
	if err == nil {
		err = appendLine(restoresFile(r.st, r.s.installation), append(b, '\n'))
	}
	if err != nil && !store.CannotWrite(err) {
		r.log.Warn("write down what the restore took", "err", err)
	}
}

func appendLine(name string, line []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Close())
}

// restores reads what was written down. Lines that a crash has cut are passed over.
func restores(st *store.Store, installation string) (all []bench.Restored, err error) {
	f, err := os.Open(restoresFile(st, installation))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r bench.Restored
		if json.Unmarshal(lines.Bytes(), &r) == nil {
			all = append(all, r)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return all, nil
}
