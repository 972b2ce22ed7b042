package verify

import (
	"encoding/json"
	"os"
	"time"

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

// openCursor reads the cursor, if there is a budget.
func openCursor(st *store.Store, budget time.Duration) (at cursor) {
	if budget <= 0 {
		return at
	}
	b, err := os.ReadFile(cursorName(st))
	if err != nil || json.Unmarshal(b, &at) != nil {
		return cursor{}
	}
	return at
}

// save remembers the cursor, if there is a budget. That it cannot, on a full
// disk or in a store that can only be read, is a finding beside the others.
func (at cursor) save(st *store.Store, budget time.Duration, found *findings) {
	if budget <= 0 {
		return
	}
	b, err := json.Marshal(at)
	if err == nil {
		_, err = st.Folder("cache") // made if it is missing
	}
	if err == nil {
		err = store.WriteFile(cursorName(st), append(b, '\n'))
	}
	if err != nil {
		found.add(Finding{Kind: PlaceNotKept, What: "cache/verify.json", Detail: err.Error()})
	}
}
