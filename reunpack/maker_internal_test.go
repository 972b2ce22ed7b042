package reunpack

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMaker: directories appear in one call with the owner, group and mode that they
// should have; where that does not go, nothing is made, and mkdirs makes them; and what
// the thread became is no other's.
func TestMaker(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("this test needs root, to give directories to others")
	}
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	want := meta{0o2770, 1234, 5678}
	top := t.TempDir()
	give := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.Chown(path, int(want.uid), int(want.gid)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	give(top, 0o770|os.ModeSetgid)
	x := &target{top: top, style: style{dir: want}}
	var err error
	if x.fd, err = unix.Open(top, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(x.fd)
	check := func(dirs ...string) {
		t.Helper()
		for _, dir := range dirs {
			var st unix.Stat_t
			if err := unix.Stat(filepath.Join(top, dir), &st); err != nil {
				t.Errorf("%s: %v", dir, err)
			} else if st.Uid != want.uid || st.Gid != want.gid || st.Mode&0o7777 != want.mode {
				t.Errorf("%s: owner %d, group %d, mode %o", dir, st.Uid, st.Gid, st.Mode&0o7777)
			}
		}
	}

	x.makeDirs([]string{"aa/bb/cc/x", "aa/bb/dd/y", "aa/ee/ff/z"})
	if x.aside.Load() {
		t.Fatal("no directory can be made in this way")
	}
	check("aa", "aa/bb", "aa/bb/cc", "aa/bb/dd", "aa/ee", "aa/ee/ff")
	if names, err := readNames(top); err != nil || len(names) != 1 {
		t.Errorf("at the top: %q, %v", names, err)
	}

	// A directory that hands on no group.
	odd := filepath.Join(top, "gg")
	if err := os.Mkdir(odd, 0o770); err != nil {
		t.Fatal(err)
	}
	give(odd, 0o770)
	x.makeDirs([]string{"gg/hh/ii/x"})
	if names, err := readNames(odd); err != nil || len(names) != 0 {
		t.Errorf("made in a directory without setgid: %q, %v", names, err)
	}
	if err := x.mkdirs("gg/hh/ii/x"); err != nil {
		t.Error(err)
	}
	check("gg/hh", "gg/hh/ii")

	// A target whose directories belong to nobody that this one could hand on.
	y := &target{top: top, fd: x.fd, style: style{dir: meta{0o2770, 1234, 99}}}
	y.makeDirs([]string{"jj/kk/ll/x"})
	if _, err := os.Lstat(filepath.Join(top, "jj")); !os.IsNotExist(err) || !y.aside.Load() {
		t.Errorf("made with another group than wanted: %v", err)
	}

	mine(t)
}

// mine makes files on several threads: they are ours, and the umask is what it was.
func mine(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			path := filepath.Join(dir, string(rune('a'+i)))
			if err := os.Mkdir(path, 0o777); err != nil {
				t.Error(err)
				return
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Error(err)
				return
			}
			if st := info.Sys().(*syscall.Stat_t); st.Uid != 0 || st.Mode&0o777 != 0o700 {
				t.Errorf("a directory of another thread: owner %d, mode %o", st.Uid, st.Mode)
			}
		})
	}
	wait.Wait()
}
