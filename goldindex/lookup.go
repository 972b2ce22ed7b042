package goldindex

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"

	"repotool/fossology"
)

// maker is a gold that makes a content.
type maker struct {
	gold fossology.Name
	half [16]byte // of the content's BLAKE3
}

// makers are the golds of the present unpacker that make a content.
func (l *Ledger) makers(n fossology.Name) ([]maker, error) {
	var all distinct[maker]
	key := appendKey(nil, n)
	for _, s := range l.set.made {
		err := s.from(key, func(row []byte) bool {
			if !bytes.Equal(row[:keySize], key) {
				return false
			}
			if m, ok := l.maker(s, row); ok {
				all.add(m)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return all.list, nil
}

// maker is what a made row of a segment says, if its gold still proves something.
func (l *Ledger) maker(s *segment, row []byte) (m maker, ok bool) {
	n := madeGold(row)
	if n >= len(s.golds) || !l.proves(s.golds[n]) {
		return m, false
	}
	m.gold = s.golds[n].name
	copy(m.half[:], row[keySize+4:])
	return m, true
}

// readings returns the BLAKE3 of what stood in files under a Name when it was read.
func (l *Ledger) reading(n fossology.Name) (sum [32]byte, ok bool, err error) {
	key := appendKey(nil, n)
	for _, s := range l.set.read {
		err := s.from(key, func(row []byte) bool {
			if bytes.Equal(row[:keySize], key) {
				copy(sum[:], row[keySize:])
				ok = true
			}
			return false
		})
		if ok || err != nil {
			return sum, ok, err
		}
	}
	return sum, false, nil
}

// Confirmed says whether a content is confirmed: a gold that was intact when it was
// last looked at makes it, by the present unpacker, and the bytes in files were the
// same when they were read. Then sum is their BLAKE3.
func (l *Ledger) Confirmed(n fossology.Name) (sum [32]byte, ok bool, err error) {
	sum, ok, err = l.reading(n)
	if !ok || err != nil {
		return sum, false, err
	}
	makers, err := l.makers(n)
	return sum, err == nil && confirmedBy(makers, sum), err
}

func confirmedBy(makers []maker, sum [32]byte) bool {
	return slices.ContainsFunc(makers, func(m maker) bool { return m.half == [16]byte(sum[:16]) })
}

// maxFound is how many Names Find returns: who gave less than a Name wants to see a
// few of those that fit.
const maxFound = 10

// Find returns the Names of contents that a gold makes and whose text begins so, at
// most ten, in order.
func (l *Ledger) Find(prefix string) (found []fossology.Name, err error) {
	if n, ok := fossology.ParseName(prefix); ok {
		if makers, err := l.makers(n); err != nil || len(makers) == 0 {
			return nil, err
		}
		return []fossology.Name{n}, nil
	}
	even := prefix[:min(len(prefix), 40)&^1] // whole bytes of the SHA-1
	key, err := hex.DecodeString(even)
	if err != nil {
		return nil, nil
	}
	for _, s := range l.set.made {
		n := 0
		err := s.from(key, func(row []byte) bool {
			if !bytes.HasPrefix(row, key) || n == maxFound {
				return false
			}
			name := keyName(row[:keySize])
			if _, ok := l.maker(s, row); ok && strings.HasPrefix(name.String(), prefix) && !slices.Contains(found, name) {
				found = append(found, name)
				n++
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, fossology.Name.Compare)
	return found[:min(len(found), maxFound)], nil
}
