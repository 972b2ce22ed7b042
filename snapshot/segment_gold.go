package snapshot

import "repotool/fossology"

// goldIndex is a gold in the index of a segment. The file name is bytes: it need
// not be UTF-8, which JSON's strings are.
type goldIndex struct {
	Name   string `json:"name"`
	Upload []byte `json:"upload,omitempty"`
}

// A goldTable numbers the golds that the rows of a segment name: a row then holds
// a number of one to three bytes, not a Name of forty.
type goldTable struct {
	list []Gold
	at   map[Gold]uint64
}

// number is that of a gold, the next one if it is new.
func (t *goldTable) number(g Gold) uint64 {
	n, known := t.at[g]
	if known {
		return n
	}
	if t.at == nil {
		t.at = map[Gold]uint64{}
	}
	n = uint64(len(t.list))
	t.list, t.at[g] = append(t.list, g), n
	return n
}

// get is the gold with a number.
func (t *goldTable) get(n uint64) (Gold, bool) {
	if t == nil || n >= uint64(len(t.list)) {
		return Gold{}, false
	}
	return t.list[n], true
}

func (t *goldTable) index() (all []goldIndex) {
	for _, g := range t.list {
		all = append(all, goldIndex{g.Name.String(), []byte(g.Upload)})
	}
	return all
}

// readGolds is the reverse of index.
func readGolds(all []goldIndex) (*goldTable, error) {
	t := new(goldTable)
	for _, g := range all {
		name, ok := fossology.ParseName(g.Name)
		if !ok || name.IsZero() {
			return nil, ErrDamagedManifest
		}
		t.list = append(t.list, Gold{name, string(g.Upload)})
	}
	return t, nil
}
