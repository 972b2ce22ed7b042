package reunpack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// A target is the files directory of one host, where files are put.
type target struct {
	top       string
	fd        int
	style     style
	noUnnamed atomic.Bool // its file system has no files without a name
	byProc    atomic.Bool
	aside     atomic.Bool  // directories are made aside and renamed, see maker.go
	tried     atomic.Bool  // that it goes otherwise
	count     atomic.Int64 // of work names
	foreign   atomic.Int64 // files and directories whose owner or group could not be set

	mu    sync.Mutex
	batch []waiting // complete, not named yet
	bytes int64
}

// openTarget opens the files directory of a host, and makes it if there is none.
func openTarget(ctx context.Context, top string) (*target, error) {
	s, err := styleOf(ctx, top)
	if err != nil {
		return nil, err
	}
	t := &target{top: top, style: s}
	t.fd, err = unix.Open(top, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		if err = t.makeTop(); err == nil {
			t.fd, err = unix.Open(top, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		}
	}
	if err != nil {
		return nil, &pathError{"open", top, err}
	}
	return t, nil
}

// makeTop makes files itself, in the directory of its host, where a killed run may have
// begun to.
func (t *target) makeTop() error {
	host, err := unix.Open(filepath.Dir(t.top), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(host)
	if err := (&target{top: filepath.Dir(t.top), fd: host}).tidy(); err != nil {
		return err
	}
	return t.mkdir(host, filepath.Base(t.top))
}

// topOf splits the path of a file into its files directory and the rest.
func topOf(repo fossology.Repository, path string) (top, rest string) {
	top = filepath.Dir(path)
	for range repo.Depth {
		top = filepath.Dir(top)
	}
	return top, strings.TrimPrefix(path, top+"/")
}

// mkdirTries is how often a directory is made that another run, tidying up, takes for
// left over before it is locked.
const mkdirTries = 3

// mkdir makes a directory that appears with its owner and mode, or not at all.
func (t *target) mkdir(at int, path string) (err error) {
	for range mkdirTries {
		work := t.workName()
		atStep()
		if err = unix.Mkdirat(at, work, 0o700); err != nil {
			return err
		}
		if err = t.moveDir(at, work, path); err == nil {
			return nil
		}
		unix.Unlinkat(at, work, unix.AT_REMOVEDIR)
		if errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENOTEMPTY) {
			return nil
		}
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EWOULDBLOCK) { // gone, or about to go
			return err
		}
	}
	return err
}

// moveDir gives a new directory its owner and mode, then its name.
func (t *target) moveDir(at int, work, path string) error {
	fd, err := unix.Openat(at, work, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	if err := t.dressFD(fd, t.style.dir); err != nil {
		return err
	}
	atStep()
	err = unix.Renameat2(at, work, at, path, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		// An empty directory that somebody has just made is replaced by one that is
		// the same; one with something in it stays.
		err = unix.Renameat(at, work, at, path)
	}
	return err
}

// dressFD sets owner, group and mode, in this order: a change of owner takes setgid away.
// Who is not root keeps what he owns, and that is counted if it is not what was wanted.
func (t *target) dressFD(fd int, m meta) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Uid != m.uid || st.Gid != m.gid {
		err := unix.Fchown(fd, int(m.uid), int(m.gid))
		if err != nil {
			t.foreign.Add(1)
			err = unix.Fchown(fd, -1, int(m.gid)) // the group matters more
		}
		if err != nil && !errors.Is(err, unix.EPERM) {
			return err
		}
	}
	return unix.Fchmod(fd, m.mode)
}

// mkdirs makes the directories of a file.
func (t *target) mkdirs(path string) error {
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		var st unix.Stat_t
		err := unix.Fstatat(t.fd, path[:i], &st, unix.AT_SYMLINK_NOFOLLOW)
		switch {
		case errors.Is(err, unix.ENOENT):
			err = t.mkdir(t.fd, path[:i])
		case err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR:
			err = unix.ENOTDIR
		}
		if err != nil {
			return &pathError{"make", filepath.Join(t.top, path[:i]), err}
		}
	}
	return nil
}

func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
