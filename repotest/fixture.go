package repotest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"repotool/store"
)

// template is the database that every other one is copied from.
const template = "fossology_template"

// loading guards the template of this process.
var loading struct {
	once sync.Once
	err  error
	made atomic.Int64
}

// Fossology returns the connection string of a fresh database with the content
// of testdata/small, owned by the role fossy. It is dropped when the test ends.
func Fossology(t testing.TB) string {
	t.Helper()
	c := Postgres(t)
	loading.once.Do(func() { loading.err = c.Load(template) })
	if loading.err != nil {
		t.Fatal(loading.err)
	}
	return c.Database(t, template)
}

// Database returns the connection string of a fresh database, a copy of
// another one (template1 for an empty one), owned by the role fossy. It is
// dropped when the test ends.
func (c *Cluster) Database(t testing.TB, from string) string {
	t.Helper()
	name := fmt.Sprintf("fossology%d", loading.made.Add(1))
	c.SQL(t, "postgres", fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s OWNER fossy", name, from))
	t.Cleanup(func() {
		c.SQL(t, "postgres", fmt.Sprintf("SET client_min_messages = error; DROP DATABASE IF EXISTS %s WITH (FORCE)", name))
	})
	return c.DSN(name)
}

// Load makes a database, owned by fossy, of the dump in testdata/small.
func (c *Cluster) Load(name string) error {
	dir, err := root()
	if err != nil {
		return err
	}
	zstd, ok := findTool("zstd")
	if !ok {
		return fmt.Errorf("%s", missing("zstd"))
	}
	if _, err := c.psql(c.AdminDSN("postgres"), strings.NewReader("CREATE DATABASE "+name+" OWNER fossy")); err != nil {
		return err
	}
	dump := filepath.Join(dir, "testdata", "small", "db.sql.zst")
	sql, err := exec.Command(zstd, "-dc", dump).Output()
	if err != nil {
		return fmt.Errorf("decompress %s: %w", dump, err)
	}
	if _, err := c.psql(c.DSN(name), strings.NewReader(string(sql))); err != nil {
		return fmt.Errorf("load %s: %w", dump, err)
	}
	return nil
}

// Repository unpacks the repository of testdata/small into a directory of the
// test and returns its path. Modes (setgid included), times and hard links are
// those of the real installation; owners only when the test runs as root.
func Repository(t testing.TB) string {
	t.Helper()
	Tool(t, "tar")
	Tool(t, "zstd")
	dir := t.TempDir()
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "repository")
}

// Unpack unpacks the repository of testdata/small into dir, where it becomes
// dir/repository. Tests call [Repository].
func Unpack(dir string) error {
	from, err := root()
	if err != nil {
		return err
	}
	archive := filepath.Join(from, "testdata", "small", "repo.tar.zst")
	cmd := exec.Command("tar", "-x", "--numeric-owner", "--use-compress-program=zstd -d --long=26", "-pf", archive, "-C", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("unpack %s: %w: %s", archive, err, out)
	}
	return nil
}

// Store makes an empty store, closed when the test ends.
func Store(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.Init(t.Context(), filepath.Join(t.TempDir(), "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// Sysconf writes a configuration directory (fossology.conf, Db.conf, VERSION,
// mods-enabled) for a repository and a database and returns its path. The
// scheduler's port is 1, where nobody listens; settings of the form
// "key=value" take the place of those in the group [FOSSOLOGY].
func Sysconf(t testing.TB, repository, dsn string, settings ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := WriteSysconf(dir, repository, dsn, settings...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// WriteSysconf writes a configuration into dir. Tests call [Sysconf].
func WriteSysconf(dir, repository, dsn string, settings ...string) error {
	from, err := root()
	if err != nil {
		return err
	}
	conf, err := os.ReadFile(filepath.Join(from, "testdata", "small", "etc", "fossology.conf"))
	if err != nil {
		return err
	}
	values := map[string]string{"path": repository, "port": "1", "address": "127.0.0.1"}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		values[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	for name, content := range map[string]string{
		"fossology.conf": replaced(string(conf), values),
		"Db.conf":        strings.Join(strings.Fields(dsn), ";\n") + ";\n",
		"VERSION":        "[BUILD]\nVERSION=4.7.0\nCOMMIT_HASH=fixture\nBUILD_DATE=2026/11/23 03:50 UTC\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o640); err != nil {
			return err
		}
	}
	return os.Mkdir(filepath.Join(dir, "mods-enabled"), 0o750)
}

// replaced puts values in the place of those in the group [FOSSOLOGY].
func replaced(conf string, values map[string]string) string {
	var b strings.Builder
	group := ""
	for line := range strings.Lines(conf) {
		if strings.HasPrefix(line, "[") {
			group = strings.TrimSpace(line)
		}
		key, _, _ := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if v, ok := values[key]; ok && group == "[FOSSOLOGY]" {
			line = key + " = " + v + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
