package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"repotool/store"
)

// pinFile stands beside the manifest of a snapshot that is not to be forgotten.
const pinFile = "pinned.json"

// A Pin says since when a snapshot is to be kept, and what for.
type Pin struct {
	Since time.Time `json:"since"`
	Note  string    `json:"note,omitempty"`
}

func (p *Pin) String() string {
	if p.Note == "" {
		return "pinned"
	}
	return "pinned: " + p.Note
}

// Pin keeps the snapshot from being forgotten. A pin that is there is replaced.
func (s *Snapshot) Pin(ctx context.Context, p Pin) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return s.Store.Exclusive(ctx, func() error {
		dir := filepath.Join(snapshotsDir(s.Store, s.Manifest.Installation), s.Name())
		if !exists(dir) {
			return fmt.Errorf("snapshot %s was forgotten meanwhile: %w", s.Name(), ErrNoSnapshot)
		}
		return store.WriteFile(filepath.Join(dir, pinFile), store.Seal(b))
	})
}

// Unpin takes the pin away, and says whether there was one.
func (s *Snapshot) Unpin() (was bool, err error) {
	dir := filepath.Join(snapshotsDir(s.Store, s.Manifest.Installation), s.Name())
	err = os.Remove(filepath.Join(dir, pinFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = store.SyncDir(dir)
	}
	if err != nil {
		return true, fmt.Errorf("unpin %s: %w", s.Name(), err)
	}
	return true, nil
}

// Pinned returns the pin of the snapshot, nil if it has none.
func (s *Snapshot) Pinned() *Pin { return readPin(s.Store, s.Manifest.Installation, s.Name()) }

// CheckPin says whether the pin, if there is one, is as it was written.
func (s *Snapshot) CheckPin() error {
	b, err := os.ReadFile(filepath.Join(snapshotsDir(s.Store, s.Manifest.Installation), s.Name(), pinFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return store.CheckSealed(b, new(Pin))
}

// readPin reads a pin. One that cannot be read is a pin all the same.
func readPin(st *store.Store, installation, name string) *Pin {
	b, err := os.ReadFile(filepath.Join(snapshotsDir(st, installation), name, pinFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	p := new(Pin)
	if err == nil {
		err = json.Unmarshal(b, p)
	}
	if err != nil {
		p.Note = err.Error()
	}
	return p
}
