package fossology

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A Cluster is a PostgreSQL of our own, for measurements, rehearsals and tests: it listens
// on a free port of the loopback address only, asks for passwords, and does not wait for
// disks, so it is fast, and worth nothing after a power cut. Its superuser is "postgres".
//
// It ends with the process that started it, however that ends: a guard in a process group
// of its own holds the reading end of a pipe, and when that closes, the guard stops the
// cluster and removes its directory.
type Cluster struct {
	Dir      string // data directory and log, removed at the end
	Bin      string // directory of initdb, pg_ctl and the client programs
	Host     string // always 127.0.0.1
	Port     int    // a port that was free
	Password string // of the superuser postgres, drawn at random

	guard *exec.Cmd
	life  io.WriteCloser // closing it ends the cluster
}

// StartCluster makes a cluster in a new directory among the temporary files. PostgreSQL
// refuses to run as root: then the cluster belongs to the user postgres, or to nobody if
// there is none.
func StartCluster() (*Cluster, error) {
	bin, err := serverPrograms()
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(temporary(owner), "repotool-pg-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{Dir: dir, Bin: bin, Host: "127.0.0.1", Password: rand.Text()}
	if err := c.initialize(owner); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	// The port is free when it is chosen and may be taken a moment later.
	for range 5 {
		if err = c.start(owner); err == nil {
			return c, nil
		}
	}
	os.RemoveAll(dir)
	return nil, err
}

// temporary is the directory of temporary files, or, if the owner of the cluster cannot come
// there, one that is everybody's.
func temporary(owner *syscall.Credential) string {
	if owner == nil {
		return os.TempDir()
	}
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if everybodys(dir) {
			return dir
		}
	}
	return os.TempDir()
}

// everybodys says whether anybody may come to a directory, and through all above it.
func everybodys(dir string) bool {
	for ; dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		if st, err := os.Stat(dir); err != nil || st.Mode()&0o001 == 0 {
			return false
		}
	}
	return true
}

// ServerDirs are the directories in which Debian has the programs of PostgreSQL's versions,
// which are not in PATH; the newest first.
func ServerDirs() []string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int {
		return cmp.Or(len(b)-len(a), strings.Compare(b, a)) // 15 before 9.6
	})
	return dirs
}

// serverPrograms finds the directory of initdb and psql: in PATH, or one of [ServerDirs].
func serverPrograms() (string, error) {
	dirs := ServerDirs()
	if path, err := exec.LookPath("initdb"); err == nil {
		// It may be a link; the programs beside the real one are what is wanted.
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = slices.Insert(dirs, 0, filepath.Dir(path))
		}
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "psql")); err != nil {
			return "", errors.New("start a PostgreSQL: psql is not installed: apt-get install postgresql-client")
		}
		return dir, nil
	}
	return "", errors.New("start a PostgreSQL: initdb is not installed: apt-get install postgresql")
}

// AdminDSN returns the connection string of a database for the superuser.
func (c *Cluster) AdminDSN(database string) string {
	return c.RoleDSN(database, "postgres", c.Password)
}

// RoleDSN returns that for another role.
func (c *Cluster) RoleDSN(database, role, password string) string {
	if strings.ContainsAny(database, ` '\`) {
		database = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(database) + "'"
	}
	return fmt.Sprintf("host=%s port=%d dbname=%s user=%s password=%s sslmode=disable",
		c.Host, c.Port, database, role, password)
}

// PSQL feeds statements to psql, stops at the first error, and returns what it prints: a
// line for each row, columns separated by "|".
func (c *Cluster) PSQL(ctx context.Context, dsn string, statements io.Reader) (string, error) {
	return PSQL(ctx, c.Bin, dsn, statements)
}

// PSQL is the same for a process that has not started the cluster; bin is where psql is.
func PSQL(ctx context.Context, bin, dsn string, statements io.Reader) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", dsn)
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = statements, &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// unprivileged returns the identity for the cluster: nil, when the process is
// not root and can be its owner.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("look up user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("run PostgreSQL as root: it refuses, and there is neither a user postgres nor nobody")
}

// settings make the cluster small and quick; nothing in it outlives a measurement.
const settings = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 60
shared_buffers = 32MB
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
`

// initialize makes the data directory.
func (c *Cluster) initialize(owner *syscall.Credential) error {
	pwfile := filepath.Join(c.Dir, "password")
	if err := os.WriteFile(pwfile, []byte(c.Password+"\n"), 0o600); err != nil {
		return err
	}
	if owner != nil {
		for _, path := range []string{c.Dir, pwfile} {
			if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
				return err
			}
		}
	}
	cmd := exec.Command(filepath.Join(c.Bin, "initdb"), "-D", filepath.Join(c.Dir, "data"), "-N",
		"-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256", "--pwfile="+pwfile)
	cmd.Dir = c.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	conf, err := os.OpenFile(filepath.Join(c.Dir, "data", "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = conf.WriteString(settings)
	return errors.Join(err, conf.Close())
}

// guard starts the cluster, says so, waits for the end of its input, and takes
// everything away. Arguments: the directory of pg_ctl, that of the cluster, the port.
const guard = `
trap '' HUP INT TERM
cd "$2" || exit 1
"$1/pg_ctl" -D data -l log -w -t 120 -o "-p $3" start >start.log 2>&1 || { cat start.log log; exit 1; }
echo ready
read -r _
"$1/pg_ctl" -D data -m immediate -w -t 60 stop >stop.log 2>&1
cd / && rm -rf -- "$2"
`

// start runs the guard and waits until the cluster takes connections.
func (c *Cluster) start(owner *syscall.Credential) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	c.Port = port
	cmd := exec.Command("/bin/sh", "-c", guard, "guard", c.Bin, c.Dir, strconv.Itoa(port))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setpgid: true}
	if c.life, err = cmd.StdinPipe(); err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	out := bufio.NewReader(stdout)
	if line, _ := out.ReadString('\n'); line != "ready\n" {
		rest, _ := io.ReadAll(out)
		err := cmd.Wait()
		return fmt.Errorf("start PostgreSQL on port %d: %w: %s%s", port, err, line, rest)
	}
	c.guard = cmd
	return nil
}

// Stop ends the cluster and waits until its directory is gone.
func (c *Cluster) Stop() error {
	if c.guard == nil {
		return nil
	}
	c.life.Close()
	err := c.guard.Wait()
	c.guard = nil
	// The guard owns the directory but perhaps not the right to remove it from its parent.
	if rm := os.RemoveAll(c.Dir); rm != nil {
		return errors.Join(err, rm)
	}
	return nil
}

// freePort returns a port of the loopback address on which nobody listens.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
