package snapshot_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// onTmpfs makes a store on a file system of its own, with a snapshot to be forgotten
// that alone needs a megabyte, and one to be kept.
func onTmpfs(t testing.TB, options string) (mount string, st *store.Store, goes string) {
	t.Helper()
	mount = repotest.Tmpfs(t, options)
	st, err := store.Init(t.Context(), filepath.Join(mount, "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	repository := t.TempDir()
	keep(t, repository, "stays")
	large := keep(t, repository, strings.Repeat("goes", 1<<18))
	goes = take(t, fully(st, repository)).Name
	if err := os.Remove(large); err != nil {
		t.Fatal(err)
	}
	take(t, fully(st, repository))
	return mount, st, goes
}

func fully(st *store.Store, repository string) snapshot.TakeOptions {
	o := options(st, repository)
	o.FullScan = true
	return o
}

// Forgetting and collecting is what one does when the disk is full: it takes no room,
// even if there is none at all, nor a free inode.
func TestForgetFullDisk(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	for _, limit := range []string{"size", "inodes"} {
		t.Run(limit, func(t *testing.T) {
			mount, st, goes := onTmpfs(t, "size=100m,nr_inodes=4000")
			reader := find(t, st, "latest")
			fill(t, mount, limit)
			if _, err := reader.Hold(t.Context(), "a restore"); !store.CannotWrite(err) {
				t.Fatalf("the disk is not full: %v", err)
			}
			st.Close()
			st, err := store.Open(filepath.Join(mount, "store"))
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			if forgotten, _, err := snapshot.Forget(t.Context(), st, "fossology", []string{goes}); err != nil || len(forgotten) != 1 {
				t.Fatalf("%v, %v", forgotten, err)
			}
			if _, err := snapshot.EmptyTrash(t.Context(), st); err != nil {
				t.Fatal(err)
			}
			collect(t, st, snapshot.CollectOptions{})
			if r := collect(t, st, snapshot.CollectOptions{}); r.Freed.Bytes < 1<<20 {
				t.Errorf("%+v", r)
			}
			restore(t, find(t, st, "latest"), snapshot.RestoreOptions{To: filepath.Join(t.TempDir(), "to")})
		})
	}
}

// fill leaves no room, or no inode.
func fill(t testing.TB, dir, limit string) {
	t.Helper()
	for i := 0; ; i++ {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint("fill", i)))
		for err == nil && limit == "size" {
			_, err = f.Write(make([]byte, 4096))
		}
		if f != nil {
			f.Close()
		}
		if errors.Is(err, unix.ENOSPC) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// In a store that cannot be written to nothing can be forgotten or collected, and all
// is said; restoring works.
func TestForgetReadOnly(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	mount, st, goes := onTmpfs(t, "size=64m")
	st.Close()
	if err := unix.Mount("tmpfs", mount, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(filepath.Join(mount, "store"))
	if err != nil {
		t.Fatal(err)
	}
	before := tree(t, st.Dir(), true)
	if _, _, err := snapshot.Forget(t.Context(), st, "fossology", []string{goes}); !errors.Is(err, unix.EROFS) {
		t.Errorf("forget: %v", err)
	}
	if _, err := snapshot.Collect(t.Context(), st, snapshot.CollectOptions{}); !errors.Is(err, unix.EROFS) {
		t.Errorf("collect: %v", err)
	}
	if r, err := snapshot.Collect(t.Context(), st, snapshot.CollectOptions{DryRun: true}); err != nil || r.Snapshots != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	s := find(t, st, goes)
	if _, err := s.Hold(t.Context(), "a restore"); !store.CannotWrite(err) {
		t.Errorf("hold: %v", err)
	}
	restore(t, s, snapshot.RestoreOptions{To: filepath.Join(t.TempDir(), "to")})
	if d := cmp.Diff(before, tree(t, st.Dir(), true)); d != "" {
		t.Error(d)
	}
}
