package verify

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// keeper tells which objects somebody else can change: those that can be written
// to, and those of a user who is neither the store's owner nor root. What a hash has
// just shown to be good may then be different tomorrow, in all snapshots at once.
type keeper struct {
	owner uint32
	found *findings
}

// newKeeper asks who the store belongs to.
func newKeeper(st *store.Store, found *findings) (*keeper, error) {
	var dir unix.Stat_t
	if err := unix.Stat(st.Path("objects"), &dir); err != nil {
		return nil, fmt.Errorf("verify store: %w", &os.PathError{Op: "stat", Path: st.Path("objects"), Err: err})
	}
	return &keeper{dir.Uid, found}, nil
}

// look looks at an object whose bytes are right, as far as is known.
func (k *keeper) look(info store.Info) {
	detail := ""
	switch {
	case info.Mode&0o222 != 0:
		detail = fmt.Sprintf("it can be written to: mode %04o, owner %d", info.Mode&0o7777, info.UID)
	case info.UID != k.owner && info.UID != 0:
		detail = fmt.Sprintf("it belongs to user %d, the store to user %d", info.UID, k.owner)
	default:
		return
	}
	k.found.exposed(info.Object, detail)
}
