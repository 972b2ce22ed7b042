package prune

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/goldindex"
)

// A judge knows the uploads and golds, and says of each file whether it goes.
type judge struct {
	o       *Options
	proofs  *goldindex.Proofs
	uploads map[int64]upload
	golds   []*gold
	known   map[fossology.Name]int // in golds
}

// An upload, as far as it bears on its files.
type upload struct {
	living bool
	gold   fossology.Name // of a living one; zero if its row is wrong
	chosen bool           // by the filters
	busy   bool
	cut    bool
}

type gold struct {
	Gold
	there bool
}

func newJudge(ctx context.Context, db Database, o *Options) (*judge, error) {
	j := &judge{o: o, proofs: o.Ledger.Proofs(), uploads: map[int64]upload{}, known: map[fossology.Name]int{}}
	for u, err := range db.Uploads(ctx) {
		var bad *fossology.RowError
		if err != nil && !errors.As(err, &bad) {
			return nil, err
		}
		chosen := (o.Filters.Uploads == nil || slices.Contains(o.Filters.Uploads, u.PK)) &&
			(o.Filters.Before.IsZero() || u.Time.Before(o.Filters.Before))
		j.uploads[u.PK] = upload{living: u.Living(), gold: u.Name, chosen: chosen}
	}
	busy, err := busyUploads(db.Jobs(ctx))
	if err != nil {
		return nil, err
	}
	for pk := range busy {
		u := j.uploads[pk]
		u.busy = true
		j.uploads[pk] = u
	}
	for pk, err := range db.CutShort(ctx) {
		if err != nil {
			return nil, err
		}
		u := j.uploads[pk]
		u.cut = true
		j.uploads[pk] = u
	}
	return j, nil
}

// busyUploads are those that have a job which runs or waits. A job that belongs to no
// upload names it in its arguments.
func busyUploads(jobs iter.Seq2[fossology.Job, error]) (map[int64]bool, error) {
	busy := map[int64]bool{}
	for job, err := range jobs {
		if err != nil {
			return nil, err
		}
		busy[job.Upload] = true
		for _, word := range strings.Fields(job.Args) {
			if pk, err := strconv.ParseInt(word, 10, 64); err == nil {
				busy[pk] = true
			}
		}
	}
	return busy, nil
}

// file judges one file: it is a victim, or there is a reason.
func (j *judge) file(f *goldindex.File, parts []fossology.Part, backedUp bool) (*Victim, Reason, error) {
	if len(parts) == 0 || f.Name.IsZero() {
		return nil, Unknown, nil
	}
	var kinds fossology.Kinds
	chosen, busy, cut := true, false, false
	for _, p := range parts {
		kinds |= p.Kinds
		u := j.uploads[p.Upload]
		chosen, busy, cut = chosen && u.chosen, busy || u.busy, cut || u.cut
	}
	switch {
	case !j.o.Level.Takes(kinds):
		return nil, OtherClass, nil
	case !chosen || f.Size < j.o.Filters.MinSize:
		return nil, Filtered, nil
	case f.Class != goldindex.Confirmed:
		return nil, NotConfirmed, nil
	}
	sum, makers, err := j.proofs.Proof(f.Name)
	if err != nil {
		return nil, "", err
	}
	at, copies, err := j.best(makers)
	if err != nil {
		return nil, "", err
	}
	switch {
	case sum != f.BLAKE3 || len(makers) == 0:
		return nil, NotConfirmed, nil
	case copies == 0:
		return nil, GoldMissing, nil
	case !j.byTheirOwn(parts, makers):
		return nil, OtherGold, nil
	case copies < j.o.Filters.Copies:
		return nil, FewCopies, nil
	case kinds&fossology.Unopened != 0:
		return nil, NotUnpacked, nil
	case busy:
		return nil, Job, nil
	case cut && !j.o.Filters.CutShort:
		return nil, CutShort, nil
	case !backedUp && !j.o.Filters.Unbacked:
		return nil, NotBackedUp, nil
	}
	return j.victim(f, kinds, parts[0].Upload, at)
}

// victim looks at the file itself.
func (j *judge) victim(f *goldindex.File, kinds fossology.Kinds, upload int64, at int) (*Victim, Reason, error) {
	var st unix.Stat_t
	err := unix.Lstat(f.Path, &st)
	if errors.Is(err, unix.ENOENT) {
		return nil, Gone, nil
	}
	if err != nil {
		return nil, "", &fs.PathError{Op: "lstat", Path: f.Path, Err: err}
	}
	if since := j.o.Filters.ReadBefore; !since.IsZero() && max(st.Mtim.Nano(), st.Atim.Nano()) >= since.UnixNano() {
		return nil, RecentlyRead, nil
	}
	v := &Victim{Name: f.Name, BLAKE3: f.BLAKE3, Gold: at, Class: ClassOf(kinds), Upload: upload, Inode: st.Ino, Links: uint32(st.Nlink)}
	if rel, err := filepath.Rel(j.o.Repository.Path, f.Path); err == nil {
		host, _, _ := strings.Cut(rel, "/files/")
		if !strings.HasPrefix(rel, "files/") {
			v.Host = host
		}
	}
	if st.Nlink == 1 {
		v.Freed = st.Blocks * 512
	}
	g := j.golds[at]
	g.Victims.add(f.Name.Size)
	g.Freed += v.Freed
	return v, "", nil
}

// byTheirOwn says whether each of those uploads has a gold of its own that makes the file.
// FOSSology deletes a gold with its last upload, and leaves the files of other uploads: one
// that only the gold of another brings back would be lost then.
func (j *judge) byTheirOwn(parts []fossology.Part, makers []fossology.Name) bool {
	there := make(map[fossology.Name]bool, len(makers)) // thousands, of the text of a licence
	for _, n := range makers {
		i := j.known[n]
		there[n] = i >= 0 && j.golds[i].there
	}
	for _, p := range parts {
		if u := j.uploads[p.Upload]; u.living && !there[u.gold] {
			return false
		}
	}
	return true
}

// best is the gold that is opened soonest, of those that are there, and how many are.
func (j *judge) best(makers []fossology.Name) (at, copies int, err error) {
	at = -1
	for _, n := range makers {
		i, known := j.known[n]
		if !known {
			if i, err = j.gold(n); err != nil {
				return 0, 0, err
			}
		}
		if i < 0 || !j.golds[i].there {
			continue
		}
		copies++
		if at < 0 || j.golds[i].Seconds < j.golds[at].Seconds {
			at = i
		}
	}
	return at, copies, nil
}

// gold looks up one that was not met before; -1 if its record has gone meanwhile.
func (j *judge) gold(n fossology.Name) (int, error) {
	h, err := j.o.Ledger.Header(n)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, goldindex.ErrNotMade) {
		j.known[n] = -1
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	path, err := j.o.Repository.Find("gold", n.String())
	if err != nil {
		return 0, err
	}
	j.known[n] = len(j.golds)
	j.golds = append(j.golds, &gold{Gold{Name: n.String(), Upload: h.Upload, Seconds: h.Cost.Seconds}, isThere(path, n)})
	return j.known[n], nil
}

// isThere says whether a gold is, as far as can be seen without reading it.
func isThere(path string, n fossology.Name) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size == n.Size
}
