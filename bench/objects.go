package bench

import (
	"iter"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

// objects goes through the entries of a snapshot, behind a walk.
type objects struct {
	pull func() (snapshot.Entry, error, bool)
	stop func()
	head snapshot.Entry
	more bool
}

func objectsOf(entries iter.Seq2[snapshot.Entry, error]) *objects {
	if entries == nil {
		entries = func(func(snapshot.Entry, error) bool) {}
	}
	o := &objects{more: true}
	o.pull, o.stop = iter.Pull2(entries)
	return o
}

// at is the object of the file at a path; zero if the snapshot knows none. Paths are asked in
// the order of a walk.
func (o *objects) at(path string) (store.Hash, error) {
	for o.more && fossology.ComparePaths(o.head.Path, path) < 0 {
		var err error
		if o.head, err, o.more = o.pull(); err != nil {
			return store.Hash{}, err
		}
	}
	if o.more && o.head.Path == path {
		return o.head.Object, nil
	}
	return store.Hash{}, nil
}
