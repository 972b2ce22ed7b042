package snapshot

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"repotool/store"
)

// findingsFile is the record of all findings, beside the manifest.
const findingsFile = "findings.jsonl"

// maxFindingLine is more than a path and what was found there can have.
const maxFindingLine = 1 << 20

// writeFindings moves the record, which was written during the run, into its
// place.
func (t *taker) writeFindings(dir string) error {
	if err := t.findings.Flush(); err != nil {
		return err
	}
	err := errors.Join(t.record.Chmod(0o644), os.Rename(t.record.Name(), filepath.Join(dir, findingsFile)))
	if err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	return nil
}

// Findings reads what was found when the snapshot was made: all of it, in the
// order in which it was found.
func (s *Snapshot) Findings() ([]Finding, error) {
	list := []Finding{}
	for x, err := range recordedFindings(s.Store, s.Manifest) {
		if err != nil {
			return nil, fmt.Errorf("read findings: %w", err)
		}
		list = append(list, x)
	}
	return list, nil
}

// recordedFindings yields the findings of a snapshot. No file means that there
// were none.
func recordedFindings(st *store.Store, m *Manifest) iter.Seq2[Finding, error] {
	return func(yield func(Finding, error) bool) {
		f, err := os.Open(filepath.Join(snapshotsDir(st, m.Installation), m.Name(), findingsFile))
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(Finding{}, err)
			return
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, maxFindingLine)
		for lines.Scan() {
			var x Finding
			if err := json.Unmarshal(lines.Bytes(), &x); !yield(x, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Finding{}, err)
		}
	}
}
