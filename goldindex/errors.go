package goldindex

import "errors"

// Occasion: reading the ledger.
var (
	// ErrDamaged means that a file of the ledger is not as it was written. The next
	// Update rebuilds it.
	ErrDamaged = errors.New("the ledger is damaged")
	// ErrNewerFormat means that a later repotool wrote the ledger.
	ErrNewerFormat = errors.New("the ledger was written by a later repotool")
	// ErrGold means that a gold is not there, or does not make what the ledger says.
	ErrGold = errors.New("gold does not give it")
	// ErrNotMade means that no gold in the ledger holds a content.
	ErrNotMade = errors.New("no gold is known that holds it")
)

// errGold means that the bytes of a gold contradict its name.
var errGold = errors.New("its bytes are not those that its name says")
