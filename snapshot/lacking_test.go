package snapshot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// Store and target may be on file systems that have no unnamed files (NFS):
// everything goes as usual, by way of named ones, of which none stays.
func TestWithoutUnnamedFiles(t *testing.T) {
	if !repotest.Alone(t, nil) {
		return
	}
	repository, st := repotest.Repository(t), repotest.Store(t)
	want := tree(t, repository, true)
	repotest.Forbid(t, unix.SYS_OPENAT, unix.O_TMPFILE&^unix.O_DIRECTORY, unix.EOPNOTSUPP)
	if fd, err := unix.Open(st.Dir(), unix.O_TMPFILE|unix.O_RDWR, 0o600); err != unix.EOPNOTSUPP {
		t.Fatalf("there are unnamed files: %d, %v", fd, err)
	}
	takeAlone(t, repository, st)
	s := find(t, st, "latest")
	to := filepath.Join(t.TempDir(), "restored")
	restore(t, s, snapshot.RestoreOptions{To: to})
	compareTrees(t, want, tree(t, to, true))
	var one snapshot.Entry
	for _, e := range held(t, s) {
		if e.Size > 1000 && e.Inode == 0 {
			one = e
		}
	}
	// Wrong bytes in the target are replaced, wrong ones in the store are not
	// restored, and neither leaves anything.
	write(t, filepath.Join(to, one.Path), "wrong")
	restore(t, s, snapshot.RestoreOptions{To: to})
	compareTrees(t, withoutLinkLines(want), withoutLinkLines(tree(t, to, true)))
	h := one.Object.String()
	spoil(t, st.Path("objects", h[:2], h), flip(func(n int) int { return n / 2 }))
	if err := os.Remove(filepath.Join(to, one.Path)); err != nil {
		t.Fatal(err)
	}
	if r := restore(t, s, snapshot.RestoreOptions{To: to}); r.Damaged != 1 {
		t.Errorf("%+v", r)
	}
	delete(want, one.Path)
	compareTrees(t, withoutLinkLines(want), withoutLinkLines(tree(t, to, true)))
	if work := workFiles(t, to); len(work) > 0 {
		t.Errorf("left: %v", work)
	}
}

// A day that needs more links than the file system allows to an object is
// complete all the same: the object is renewed, and earlier days keep the old
// inode.
func TestDayBeyondTheLinkLimit(t *testing.T) {
	dir := repotest.FileSystem(t, 128<<20, "mkfs.ext4", "-q", "-F", "-N", "8000")
	st, err := store.Init(t.Context(), filepath.Join(dir, "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	repository := t.TempDir()
	const hosts, each = 2, 300 // two workers make the links
	for host := range hosts {
		for i := range each {
			write(t, filepath.Join(repository, fmt.Sprint("host", host), "files", "aa", fmt.Sprint(i)), "common")
		}
	}
	keep(t, repository, "good")
	take(t, options(st, repository))
	object := store.Sum([]byte("common"))
	before, err := st.Stat(object)
	if err != nil || before.Links != hosts*each+1 {
		t.Fatalf("%+v, %v", before, err)
	}
	h := object.String()
	links := filepath.Join(dir, "links")
	if err := os.Mkdir(links, 0o755); err != nil {
		t.Fatal(err)
	}
	// Other nights have taken so many that the limit comes in the middle of
	// this one, where it is that of ext4.
	const limit = 65_000
	for i := range limit - hosts*each*3/2 {
		if err := os.Link(st.Path("objects", h[:2], h), filepath.Join(links, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	second := take(t, options(st, repository))
	if second.Findings() != 0 || allGood(t, st) != 2 {
		t.Errorf("findings: %v", second.First)
	}
	days := map[uint64]int{} // links of the second day, by inode
	found, _ := filepath.Glob(st.Path("days", "fossology", second.Name, "other", "host?", "files", "aa", "*"))
	for _, name := range found {
		var s syscall.Stat_t
		if b, err := os.ReadFile(name); err != nil || string(b) != "common" || syscall.Stat(name, &s) != nil {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		days[s.Ino]++
	}
	if len(found) != hosts*each {
		t.Errorf("%d files in the day: %s", len(found), strings.Join(found[:min(3, len(found))], " "))
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	after, err := st.Stat(object)
	if err != nil || fs.Type == unix.EXT4_SUPER_MAGIC && (after.Inode == before.Inode || days[before.Inode] == 0 || days[after.Inode] == 0) {
		t.Errorf("the object was not renewed: inode %d, before %d, links of the day %v, %v", after.Inode, before.Inode, days, err)
	}
}
