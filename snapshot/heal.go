package snapshot

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// isLost says whether an error means that an object is missing or bad.
func isLost(err error) bool {
	var damaged *store.DamagedError
	return errors.Is(err, store.ErrNoObject) || errors.As(err, &damaged) || store.IsDiskFault(err)
}

// lostFiles are files whose objects the store has lost, and whose own bytes are
// others now.
type lostFiles struct {
	mu   sync.Mutex
	list []lostFile
}

type lostFile struct {
	path   string
	object store.Hash
	detail string
}

// heal reads a file again whose object the store has lost. If the repository has
// not got the bytes either, the file is one of t.lost: that must not stop the
// backup of all others.
func (t *taker) heal(ctx context.Context, path string, want store.Hash, cause error) (healed bool, err error) {
	fd, err := unix.Open(t.Repository, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("open repository %s: %w", t.Repository, err)
	}
	defer unix.Close(fd)
	r := &fileReader{rootFD: fd, w: t.Store.NewWriter()}
	it := item{entry: Entry{Path: path}}
	if err := r.read(ctx, &it); err != nil {
		return false, err
	}
	why := "its bytes are others now"
	switch {
	case it.gone:
		why = "it is gone"
	case it.problem != nil:
		why = it.problem.Detail
	case it.put.Object == want:
		t.findings.Add(StoreDamaged, path, cause.Error()+"; it was stored again")
		return true, nil
	}
	t.lost.mu.Lock()
	defer t.lost.mu.Unlock()
	t.lost.list = append(t.lost.list, lostFile{path, want, lostDetail(cause, why)})
	return false, nil
}

// reportLost makes findings of the lost files, in this snapshot and in every later
// one that names their objects. An object may have come back meanwhile, from
// another file with the same bytes.
func (t *taker) reportLost(ctx context.Context) error {
	buf := make([]byte, 1<<20)
	for _, l := range t.lost.list {
		_, err := t.Store.Check(ctx, l.object, buf)
		switch {
		case isLost(err):
			t.findings.Add(ObjectLost, l.path, l.detail)
			t.fresh.again(l.path)
		case err != nil:
			return fmt.Errorf("look for the object of %s: %w", l.path, err)
		}
	}
	return nil
}

func lostDetail(cause error, why string) string {
	return cause.Error() + ", and the file in the repository does not help: " + why
}

// checkObjects looks for the objects of all files where no day is made, which
// would meet those that are missing. It asks the file system once for each file,
// as a full scan does, and goes with one.
func (t *taker) checkObjects(ctx context.Context) error {
	for e, err := range entries(ctx, t.Store, t.manifest.Segments, "") {
		if err != nil {
			return err
		}
		if e.Kind != File || e.Object.IsZero() || e.LeftOut() {
			continue
		}
		_, err := t.Store.Need(e.Object)
		if isLost(err) {
			_, err = t.heal(ctx, e.Path, e.Object, err)
		}
		if err != nil {
			return fmt.Errorf("check objects: %w", err)
		}
	}
	return nil
}

// checkKept looks for the object of a known file whose content is wrong today:
// what is known of it stays in the manifest. A day would meet it anyway.
func (s *scan) checkKept(it *item) {
	if !s.noDay || !it.had || it.prev.Kind != File || it.prev.Object.IsZero() || it.prev.LeftOut() {
		return
	}
	if _, err := s.st.Need(it.prev.Object); isLost(err) {
		s.report(Finding{ObjectLost, it.prev.Path, lostDetail(err, it.problem.Detail)})
	}
}
