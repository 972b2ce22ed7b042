package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/store"
)

// An update of the ledger walks the repository and reads the whole ledger, even if
// nothing is new. So a snapshot leaves it out if there is nothing to prove: since an
// update that left nothing, no upload has come, gone or been unpacked, and the ledger and
// the unpacker are the same. What this is wrong about is not proven, and so is stored.

// indexAnyway is how often the update is made all the same: it also looks for golds that
// went or changed, and for damage in the ledger.
const indexAnyway = 7 * 24 * time.Hour

// settled is what is remembered of the last update that left nothing.
type settled struct {
	Time    time.Time `json:"time"`
	Uploads string    `json:"uploads"` // hash of their rows
	Ledger  string    `json:"ledger"`  // its stamp
}

func settledName(st *store.Store, installation string) string {
	return st.Path("cache", installation+".index")
}

// nothingToProve says whether the update may be left out.
func (t *tool) nothingToProve(st *store.Store, installation, uploads string, ledger *goldindex.Ledger) bool {
	var was settled
	b, err := os.ReadFile(settledName(st, installation))
	if err != nil || json.Unmarshal(b, &was) != nil {
		return false
	}
	stamp, err := ledger.Stamp()
	age := t.now().Sub(was.Time)
	return err == nil && was.Uploads == uploads && was.Ledger == stamp && age >= 0 && age < indexAnyway
}

// remember keeps what an update has come to. If that fails, the next one is made.
func (t *tool) remember(st *store.Store, installation, uploads string, ledger *goldindex.Ledger) {
	stamp, err := ledger.Stamp()
	if err == nil {
		var b []byte
		if b, err = json.Marshal(settled{t.now(), uploads, stamp}); err == nil {
			name := settledName(st, installation)
			err = errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name+".new", b, 0o644), os.Rename(name+".new", name))
		}
	}
	if err != nil {
		t.log.Warn("the next snapshot indexes again", "err", err)
	}
}

// forgetSettled has the next snapshot make the update.
func forgetSettled(st *store.Store, installation string) { os.Remove(settledName(st, installation)) }

// uploadsHash changes when an upload comes, goes, or is unpacked.
func uploadsHash(ctx context.Context, db *fossology.Database) (string, error) {
	h := sha256.New()
	for u, err := range (moments{db}).Uploads(ctx) {
		var bad *fossology.RowError
		if err != nil && !errors.As(err, &bad) {
			return "", err
		}
		fmt.Fprintf(h, "%d %q %d %d %s %v\n", u.PK, u.Filename, u.Mode, u.Pfile, u.Name, u.Deleted)
	}
	for pk, err := range (moments{db}).CutShort(ctx) {
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, "cut short", pk)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
