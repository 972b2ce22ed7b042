package store_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/store"
)

// refused wants Init to refuse a directory for a reason, with advice, and to
// leave nothing in it.
func refused(t testing.TB, dir, reason string) {
	t.Helper()
	var unfit *store.UnfitError
	if _, err := store.Init(t.Context(), dir, time.Now()); !errors.As(err, &unfit) || !strings.Contains(err.Error(), reason) || unfit.Hint() == "" {
		t.Errorf("%v, want %q", err, reason)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A file system without room is refused.
func TestInitWithoutRoom(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	refused(t, repotest.Tmpfs(t, "size=10m"), "MiB are free")
	refused(t, repotest.Tmpfs(t, "size=1g,nr_inodes=500"), "inodes are free")
}

// A file system without hard links is refused. Here a filter of system calls
// plays it, since no kernel is sure to have one.
func TestInitWithoutLinks(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	dir := repotest.Tmpfs(t, "")
	repotest.Forbid(t, unix.SYS_LINKAT, 0, unix.EPERM)
	refused(t, dir, "no hard links")
}

// So is one that makes nothing durable.
func TestInitWithoutSync(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	dir := repotest.Tmpfs(t, "")
	repotest.Forbid(t, unix.SYS_FSYNC, 0, unix.EINVAL)
	refused(t, dir, "fsync")
}

// More links than the file system allows to one inode: the object is renewed,
// and the old inode lives on in the links it has.
func TestLinkLimit(t *testing.T) {
	dir := repotest.FileSystem(t, 128<<20, "mkfs.ext4", "-q", "-F", "-N", "4000")
	st, err := store.Init(t.Context(), filepath.Join(dir, "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	p := put(t, st, []byte("common"))
	links := filepath.Join(dir, "links")
	if err := os.Mkdir(links, 0o755); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(links, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	first, err := st.Stat(p.Object)
	if err != nil {
		t.Fatal(err)
	}
	const all = 65_100
	for i := range all {
		if err := st.Link(t.Context(), p.Object, fd, fmt.Sprint("l", i)); err != nil {
			t.Fatalf("link %d: %v", i, err)
		}
	}
	if fileSystem(t, dir) == unix.EXT4_SUPER_MAGIC { // which allows 65,000
		last, err := st.Stat(p.Object)
		if err != nil || last.Inode == first.Inode || last.Links != all-64_999+1 {
			t.Errorf("the object was not renewed: %+v, %v", last, err)
		}
	}
	for _, i := range []int{0, all / 2, all - 1} {
		if b, err := os.ReadFile(filepath.Join(links, fmt.Sprint("l", i))); err != nil || string(b) != "common" {
			t.Errorf("link %d: %q, %v", i, b, err)
		}
	}
	if _, err := st.Check(t.Context(), p.Object, make([]byte, 1<<20)); err != nil {
		t.Error(err)
	}
}

// Where source and store share a file system that can, they share blocks: the
// store takes no room. The bytes are hashed all the same, a refused file leaves
// nothing, and a source from elsewhere is copied.
func TestPutClones(t *testing.T) {
	dir := repotest.FileSystem(t, 400<<20, "mkfs.xfs", "-q", "-m", "reflink=1")
	st, err := store.Init(t.Context(), filepath.Join(dir, "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	w := st.NewWriter()
	from := func(dir string, size int, o store.PutOptions) (store.Put, []byte, error) {
		b := make([]byte, size)
		rand.Read(b)
		name := filepath.Join(dir, fmt.Sprint(size))
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		o.Clone, o.Size = true, int64(size)
		if err := errors.Join(f.Sync(), st.Sync(t.Context())); err != nil {
			t.Fatal(err)
		}
		p, err := w.PutFD(t.Context(), int(f.Fd()), o)
		return p, b, err
	}
	for _, size := range []int{64 << 10, 1 << 20, 1<<20 + 1, 40 << 20} {
		before := room(t, dir) - int64(size) // when the source is written
		p, b, err := from(dir, size, store.PutOptions{})
		if err != nil || !p.Added || p.Object != store.Sum(b) {
			t.Fatalf("%d bytes: %+v, %v", size, p, err)
		}
		if err := st.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if taken := before - room(t, dir); fileSystem(t, dir) == unix.XFS_SUPER_MAGIC && taken > int64(size)/2+(32<<10) {
			t.Errorf("%d bytes: the store took %d of its own", size, taken)
		}
	}
	refused := errors.New("refused")
	p, _, err := from(dir, 70<<10, store.PutOptions{Accept: func(int64) error { return refused }})
	if _, e := st.Stat(p.Object); !errors.Is(err, refused) || !errors.Is(e, store.ErrNoObject) {
		t.Errorf("refused: %+v, %v, %v", p, err, e)
	}
	if p, b, err := from(mountedElsewhere(t), 2<<20, store.PutOptions{}); err != nil || p.Object != store.Sum(b) {
		t.Errorf("from elsewhere: %+v, %v", p, err)
	}
	if left, err := os.ReadDir(st.Path("tmp")); err != nil || len(left) > 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

func mountedElsewhere(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "elsewhere-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func fileSystem(t testing.TB, dir string) int64 {
	t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Type)
}

// room is how many bytes are free.
func room(t testing.TB, dir string) int64 {
	t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bfree) * s.Bsize
}
