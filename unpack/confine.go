package unpack

import (
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock (kernel 5.19 and later) bounds what a tool can reach: it reads programs,
// libraries and its input, and writes where it is to write. Without it the rights of
// the user bound the tool, nothing else.

// minLandlock is the version of Landlock that knows renaming from one directory to
// another; by an earlier one dpkg-source could not work.
const minLandlock = 2

// Rights by which files may be reached.
const (
	reachRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	reachRun   = reachRead | unix.LANDLOCK_ACCESS_FS_EXECUTE
	reachWrite = reachRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	// reachOfFile are the rights that make sense for what is no directory.
	reachOfFile = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// Where programs are and what they need.
var (
	programDirs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/gnu"}
	readDirs    = []string{"/proc", "/sys/devices/system/cpu"}
	devices     = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
)

// alsoWritable is for tests, whose tools tell of themselves outside of the scratch.
var alsoWritable []string

// A confinement is a set of rules; without a file it has none.
type confinement struct{ rules *os.File }

// confine makes the rules for a tool that lies at path. That something which they
// name is not there, or that the kernel lacks Landlock, is no error.
func (s *scratch) confine(path string) confinement {
	version, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 || version < minLandlock {
		return confinement{}
	}
	handled := uint64(unix.LANDLOCK_ACCESS_FS_REFER<<1 - 1)
	attr := unix.LandlockRulesetAttr{}
	if version >= 3 {
		handled |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 5 {
		handled |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if version >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	attr.Handled_access_fs = handled
	fd, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if e != 0 {
		return confinement{}
	}
	c := confinement{os.NewFile(fd, "landlock")}
	for _, p := range append([]string{filepath.Dir(path), filepath.Dir(resolved(path))}, programDirs...) {
		c.path(p, reachRun&handled)
	}
	for _, p := range append([]string{s.in(scratchIn)}, readDirs...) {
		c.path(p, reachRead&handled)
	}
	for _, p := range append([]string{s.in(scratchOut), s.in(scratchHome)}, alsoWritable...) {
		c.path(p, reachWrite&handled)
	}
	for _, p := range devices {
		c.path(p, (unix.LANDLOCK_ACCESS_FS_READ_FILE|unix.LANDLOCK_ACCESS_FS_WRITE_FILE|unix.LANDLOCK_ACCESS_FS_TRUNCATE)&handled)
	}
	if os.Geteuid() != 0 { // who starts the tool has yet to write what users there are in its name space
		c.path("/proc", (reachRead|unix.LANDLOCK_ACCESS_FS_WRITE_FILE)&handled)
	}
	for _, f := range s.files {
		c.allow(int(f.Fd()), unix.LANDLOCK_ACCESS_FS_READ_FILE)
	}
	return c
}

// resolved is a path without symbolic links.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// path allows what lies at a path and below it.
func (c confinement) path(path string, rights uint64) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= reachOfFile
	}
	c.allow(fd, rights)
}

func (c confinement) allow(fd int, rights uint64) {
	// The kernel's structure is packed: eight bytes, four, and no more are read.
	rule := struct {
		rights uint64
		fd     int32
		_      int32
	}{rights: rights, fd: int32(fd)}
	unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, c.rules.Fd(), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
}

// enter puts the thread that calls it under the rules, for good, and takes from it
// and what it starts all hope of more rights.
func (c confinement) enter() {
	if unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == nil && c.rules != nil {
		unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, c.rules.Fd(), 0, 0)
	}
}

func (c confinement) close() {
	if c.rules != nil {
		c.rules.Close()
	}
}
