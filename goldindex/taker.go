package goldindex

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// A taker takes bytes apart. After the first thing that does not fit, it gives
// zeros and remembers that.
type taker struct {
	b   []byte
	bad bool
}

func (t *taker) byte() byte {
	if len(t.b) == 0 {
		t.bad = true
		return 0
	}
	c := t.b[0]
	t.b = t.b[1:]
	return c
}

func (t *taker) uvarint() uint64 {
	v, n := binary.Uvarint(t.b)
	if n <= 0 {
		t.bad = true
		return 0
	}
	t.b = t.b[n:]
	return v
}

func (t *taker) string() string {
	n := t.uvarint()
	if t.bad || n > uint64(len(t.b)) {
		t.bad = true
		return ""
	}
	s := string(t.b[:n])
	t.b = t.b[n:]
	return s
}

// checkMagic tells a file of a later repotool from a damaged one.
func checkMagic(got, name, want string) error {
	if got == want {
		return nil
	}
	rest, ok := strings.CutPrefix(got, name)
	version, err := strconv.Atoi(strings.TrimSuffix(rest, "\n"))
	if ok && err == nil && version > formatVersion {
		return fmt.Errorf("version %d, this repotool knows %d: %w", version, formatVersion, ErrNewerFormat)
	}
	return fmt.Errorf("%w: it begins with %q", ErrDamaged, got)
}
