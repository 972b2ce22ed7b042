package reunpack

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// errEnough ends the unpacking of a gold that has given what was wanted.
var errEnough = errors.New("all that was wanted has come")

// A lostError says why a gold did not give what the ledger promised.
type lostError struct {
	gold fossology.Name
	why  error
}

func (e *lostError) Error() string { return fmt.Sprintf("gold %s: %v", e.gold, e.why) }
func (e *lostError) Unwrap() error { return e.why }

var (
	errGoldMissing = errors.New("the repository does not hold it")
	errGoldDamaged = errors.New("its bytes are not those that its name says")
	errNotMade     = errors.New("it does not come out any more: the ledger is of another unpacker")
)

// A pathError says what was being done to which thing of the repository.
type pathError struct {
	op, path string
	err      error
}

func (e *pathError) Error() string { return e.op + " " + e.path + ": " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }

// Hint says what to do about the usual ones.
func (e *pathError) Hint() string {
	switch {
	case errors.Is(e.err, unix.ENOSPC), errors.Is(e.err, unix.EDQUOT):
		return "what was brought back stays: make room, then run it again"
	case errors.Is(e.err, unix.EACCES), errors.Is(e.err, unix.EPERM):
		return "run repotool as root, or as FOSSology's user"
	case errors.Is(e.err, unix.ENOENT):
		return "is it mounted? Nothing is written where a host of the repository has no directory"
	}
	return ""
}
