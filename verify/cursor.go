package verify

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// A cursor is where the next check with a budget begins, so that several of
// them together see everything. It is the file cache/verify.json of the store:
// one that is lost or damaged costs nothing but a start from the beginning.
type cursor struct {
	Object   store.Hash `json:"object"`   // the first that was not read
	Snapshot string     `json:"snapshot"` // installation/name of the first that was not checked
}

func cursorName(st *store.Store) string { return st.Path("cache", "verify.json") }

// openCursor reads the cursor, if there is a budget. That it can be written is
// asked before the work and not after it.
func openCursor(st *store.Store, budget time.Duration) (at cursor, err error) {
	if budget <= 0 {
		return at, nil
	}
	dir, err := st.Folder("cache")
	if err == nil {
		err = unix.Access(dir, unix.W_OK)
	}
	if err != nil {
		return at, &cursorError{st.Path("cache"), err}
	}
	b, err := os.ReadFile(cursorName(st))
	if err != nil || json.Unmarshal(b, &at) != nil {
		return cursor{}, nil
	}
	return at, nil
}

// save remembers the cursor, if there is a budget.
func (at cursor) save(st *store.Store, budget time.Duration) error {
	if budget <= 0 {
		return nil
	}
	b, err := json.Marshal(at)
	if err != nil {
		return err
	}
	if err := store.WriteFile(cursorName(st), append(b, '\n')); err != nil {
		return fmt.Errorf("remember where the next check begins: %w", err)
	}
	return nil
}

// A cursorError says that the next check could not go on where this one ends.
type cursorError struct {
	dir string
	err error
}

func (e *cursorError) Error() string {
	return fmt.Sprintf("remember in %s where the next check begins: %v", e.dir, e.err)
}

func (e *cursorError) Unwrap() error { return e.err }

// Hint says what to do about it.
func (e *cursorError) Hint() string {
	return "run as the owner of the store, or without a budget, which writes nothing"
}
