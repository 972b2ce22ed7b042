package snapshot

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"

	"github.com/zeebo/blake3"

	"repotool/store"
)

// findingsFile is the record of all findings, beside the manifest.
const findingsFile = "findings.jsonl"

// maxFindingLine is more than a path and what was found there can have.
const maxFindingLine = 1 << 20

func recordName(st *store.Store, m *Manifest) string {
	return filepath.Join(snapshotsDir(st, m.Installation), m.Name(), findingsFile)
}

// writeFindings moves the record, which was written during the run, into its
// place.
func (t *taker) writeFindings(dir string) error {
	if err := t.findings.Flush(); err != nil {
		return err
	}
	err := errors.Join(t.record.Chmod(0o644), os.Rename(t.record.Name(), filepath.Join(dir, findingsFile)))
	if err == nil {
		t.summary.Record, err = sumOf(filepath.Join(dir, findingsFile))
	}
	if err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	return nil
}

// sumOf is the BLAKE3 of a file, in hexadecimal.
func sumOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := blake3.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// A RecordError says that the record of findings is not what was written.
type RecordError struct {
	File string
	Err  error
}

func (e *RecordError) Error() string { return fmt.Sprintf("read findings: %s: %v", e.File, e.Err) }

func (e *RecordError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *RecordError) Hint() string {
	return "what the snapshot holds is not touched by it; how many findings there were stands in summary.json"
}

// Findings reads what was found when the snapshot was made: all of it, in the
// order in which it was found. With a *RecordError comes what could be read.
func (s *Snapshot) Findings() ([]Finding, error) {
	list := []Finding{}
	err := s.eachFinding(func(x Finding) { list = append(list, x) })
	return list, err
}

// CheckFindings reads the record of findings and compares it, and their numbers, with the
// summary. What is wrong is a *RecordError.
func (s *Snapshot) CheckFindings() error {
	if err := s.eachFinding(func(Finding) {}); err != nil {
		return err
	}
	want, name := s.Summary().Record, recordName(s.Store, s.Manifest)
	if want == "" { // there were none, or the snapshot is of an earlier version
		return nil
	}
	got, err := sumOf(name)
	if err == nil && got != want {
		err = store.ErrSeal
	}
	if err != nil {
		return &RecordError{name, err}
	}
	return nil
}

func (s *Snapshot) eachFinding(each func(Finding)) error {
	wrong := func(err error) error {
		return &RecordError{recordName(s.Store, s.Manifest), err}
	}
	counts := map[FindingKind]int64{}
	for x, err := range recordedFindings(s.Store, s.Manifest) {
		if err != nil {
			return wrong(err)
		}
		counts[x.Kind]++
		each(x)
	}
	sum := s.Summary()
	if !sum.Known() || maps.Equal(counts, sum.FindingCount) {
		return nil
	}
	listed := int64(0)
	for _, n := range counts {
		listed += n
	}
	return wrong(fmt.Errorf("it lists %d findings, and not those that summary.json counts (%d)", listed, sum.Findings()))
}

// recordedFindings yields the findings of a snapshot. No file means that there
// were none.
func recordedFindings(st *store.Store, m *Manifest) iter.Seq2[Finding, error] {
	return func(yield func(Finding, error) bool) {
		f, err := os.Open(recordName(st, m))
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
