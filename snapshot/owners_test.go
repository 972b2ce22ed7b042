package snapshot_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"repotool/repotest"
	"repotool/snapshot"
)

// TestOwnersByName: a restore gives files to the user and group of the name, whose numbers may
// be others on its host. A name that nobody has there is told of, once.
func TestOwnersByName(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("it changes owners: run it as root")
	}
	const number = 65534 // nobody and nogroup of Debian
	repository, st := t.TempDir(), repotest.Store(t)
	keep(t, repository, "one")
	keep(t, repository, "two")
	each := func(dir string, f func(path string, uid, gid uint32)) {
		t.Helper()
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			var st syscall.Stat_t
			if err == nil {
				err = syscall.Lstat(path, &st)
			}
			if err == nil && path != dir {
				f(path, st.Uid, st.Gid)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	each(repository, func(path string, _, _ uint32) {
		if err := os.Chown(path, number, number); err != nil {
			t.Fatal(err)
		}
	})
	take(t, options(st, repository))
	if o := find(t, st, "latest").Manifest.Owners; o.Users[number] != "nobody" || o.Groups[number] != "nogroup" {
		t.Fatalf("the snapshot knows %+v", o)
	}
	for _, c := range []struct {
		name, group string
		uid, gid    uint32
		unknown     int64
	}{{"nobody", "nogroup", number, number, 0}, {"daemon", "daemon", 1, 1, 0}, {"no-such-user", "daemon", number, 1, 1}} {
		s := find(t, st, "latest") // as if it came from a host with other numbers
		s.Manifest.Owners.Users[number], s.Manifest.Owners.Groups[number] = c.name, c.group
		o := snapshotTo(filepath.Join(t.TempDir(), "restored"))
		r := restore(t, s, o)
		if n := o.Findings.Counts()[snapshot.OwnerUnknown]; r.Written != 2 || r.Foreign != 0 || n != c.unknown {
			t.Errorf("%s: %+v, %v", c.name, *r, o.Findings.First())
		}
		each(o.To, func(path string, uid, gid uint32) {
			if uid != c.uid || gid != c.gid {
				t.Errorf("%s: %s belongs to %d:%d", c.name, path, uid, gid)
			}
		})
		if again := restore(t, s, o); again.Kept != 2 {
			t.Errorf("%s, once more: %+v", c.name, *again)
		}
	}
}
