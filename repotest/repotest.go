// Package repotest lends tests what they cannot do without: a PostgreSQL of
// their own, the database and the repository of a real FOSSology, and a
// scheduler that can be stopped without stopping anybody's work.
//
// # What is lent
//
//   - [Postgres]: a private cluster in a temporary directory on a free port of
//     the loopback address, one for each test process, started by the first
//     test that asks.
//   - [Fossology]: a database with the content of testdata/small, made from a
//     template, so that every test may destroy its own.
//   - [Repository]: the repository that belongs to it, with modes, times, hard
//     links and (as root) owners as FOSSology left them.
//   - [Store]: an empty store.
//   - [Sysconf]: a configuration directory that names both.
//   - [Scheduler]: a double of FOSSology's scheduler, with real agents.
//   - [AgentTalk], [AgentQueue]: what the scheduler says to an agent that it starts, and
//     what it does with the queue of a database.
//   - [FileSystem]: a small file system of some kind.
//   - [Alone], [Forbid]: a process of its own for a test, and one that lacks
//     system calls.
//   - [NoneLeft]: a look whether goroutines are left.
//   - [Tool]: a program of the system, or the line that installs it.
//
// The cluster listens on 127.0.0.1 only, asks for passwords (SCRAM), keeps no
// socket in the file system, and does not wait for disks (fsync=off): it is
// fast, and it is worth nothing after a power cut. Its superuser is "postgres"
// with a password drawn at random; the role "fossy" with password "fossy" may
// create databases and owns FOSSology's, as in a real installation.
//
// # What is left behind
//
// Nothing. A guard process, apart from the test's process group, holds the
// reading end of a pipe. When the test process ends, by return, by panic or by
// SIGKILL, the pipe closes, and the guard stops the cluster and removes its
// directory. [Main] does the same and waits until it is done; packages whose
// tests use the cluster call it from TestMain.
//
// # Who may run it
//
// PostgreSQL refuses to run as root. When the tests run as root the cluster
// belongs to the user postgres, or to nobody if there is none. As an ordinary
// user it belongs to that user.
//
// A missing program is a failure, not a skipped test: [Tool] says which package
// to install. Only tests and the demo import this package.
package repotest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"repotool/fossology"
)

// packages names the Debian package of each program that tests need, where
// its name differs from that of the program.
var packages = map[string]string{
	"initdb": "postgresql", "pg_ctl": "postgresql", "postgres": "postgresql",
	"psql": "postgresql-client", "pg_dump": "postgresql-client",
	"pg_dumpall": "postgresql-client", "pg_restore": "postgresql-client",
	"borg": "borgbackup", "sha256sum": "coreutils", "cp": "coreutils",
	"mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs", "mount": "mount", "losetup": "mount",
	"7z": "7zip",
}

// otherNames: the package 7zip of Debian 12 has the program as 7zz only.
var otherNames = map[string]string{"7z": "7zz"}

// Tool returns the path of a program, looked for in PATH and, for PostgreSQL's
// own, in Debian's versioned directories (the newest first). A missing program
// ends the test with the line that installs it.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, ok := findTool(name)
	if !ok {
		t.Fatal(missing(name))
	}
	return path
}

// findTool looks for a program.
func findTool(name string) (string, bool) {
	for _, name := range []string{name, otherNames[name]} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	for _, dir := range append(fossology.ServerDirs(), "/usr/sbin", "/sbin") {
		path := filepath.Join(dir, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path, true
		}
	}
	return "", false
}

// missing says how to get a program.
func missing(name string) string {
	pkg := name
	if p, ok := packages[name]; ok {
		pkg = p
	}
	return name + " is not installed: apt-get install " + pkg
}

// Root returns the directory of the module, found upwards from the directory
// in which the test runs.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// root finds the directory that holds go.mod.
func root() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", &os.PathError{Op: "find go.mod above", Path: wd, Err: os.ErrNotExist}
		}
	}
}
