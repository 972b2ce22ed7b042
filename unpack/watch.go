package unpack

import (
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel limits each file that a tool writes, but not all of them together.
// So the scratch is looked at while the tool runs.

const (
	// watchPause is the least time between two looks: a fast disk takes some
	// hundred megabytes in it.
	watchPause = 100 * time.Millisecond
	// watchShare bounds what looking costs: one part of so many.
	watchShare = 20
)

// watch stops the tool when it has written more than the upload may hold. It ends
// when done is closed.
func (s *scratch) watch(done <-chan struct{}, stop func(error)) {
	pause := time.NewTimer(watchPause)
	defer pause.Stop()
	for {
		select {
		case <-done:
			return
		case <-pause.C:
		}
		begin := time.Now()
		if err := s.check(); err != nil {
			stop(err)
			return
		}
		pause.Reset(max(watchPause, watchShare*time.Since(begin)))
	}
}

// check compares what is in the scratch with what may still come out.
func (s *scratch) check() error {
	maxBytes, why := s.u.budget()
	maxFiles := s.u.limits.Entries - s.u.rows.Load()
	var bytes, files int64
	for _, dir := range []string{scratchOut, scratchHome} {
		err := filepath.WalkDir(s.in(dir), func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // it went while it was looked at
			}
			files++
			if i, err := d.Info(); err == nil && i.Mode().IsRegular() {
				bytes += i.Size()
				if i.Size() >= s.u.limits.Member {
					return errMember // the kernel gave it no more
				}
			}
			switch {
			case bytes > maxBytes:
				return why
			case files-2 > maxFiles: // the two directories themselves
				return errEntries
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// minFree is what a file system has left when it counts as full: tools give up a
// file for which there is no place, and what was written of it is given back.
const minFree = 16 << 20

// full says whether a tool may have failed for want of space, which is not the
// input's fault.
func (s *scratch) full() bool {
	var st unix.Statfs_t
	if err := unix.Statfs(s.path, &st); err != nil {
		return false
	}
	return st.Bavail*uint64(st.Bsize) < minFree || st.Files > 0 && st.Ffree < 2
}

// budget is how much may still come out of the upload, and what is said when
// more does.
func (u *run) budget() (int64, error) {
	out := u.out.Load()
	bytes := u.limits.Bytes - out
	ratio := max(u.limits.Free, u.limits.Ratio*(u.in.Load()+1)) - out
	if ratio < bytes {
		return ratio, errRatio
	}
	return bytes, errBytes
}
