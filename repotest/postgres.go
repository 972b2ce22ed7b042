package repotest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"repotool/fossology"
)

// Cluster is a PostgreSQL cluster that lives as long as the test process.
type Cluster struct{ *fossology.Cluster }

// cluster is the one cluster of this process.
var cluster struct {
	once sync.Once
	c    *Cluster
	err  error
}

// Postgres returns the cluster of this test process and starts it at the first
// call.
func Postgres(t testing.TB) *Cluster {
	t.Helper()
	cluster.once.Do(func() { cluster.c, cluster.err = Start() })
	if cluster.err != nil {
		t.Fatal(cluster.err)
	}
	return cluster.c
}

// Main runs the tests of a package, then stops the cluster if one was started,
// and exits. Call it from TestMain. Without it the guard does the same a moment
// after the process has ended.
func Main(m *testing.M) {
	code := m.Run()
	if cluster.c != nil {
		if err := cluster.c.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// DSN returns the connection string of a database for FOSSology's role.
func (c *Cluster) DSN(db string) string { return c.RoleDSN(db, "fossy", "fossy") }

// SQL runs statements as the superuser and returns what psql prints: one line
// for each row, columns separated by "|". The first error ends the test.
func (c *Cluster) SQL(t testing.TB, db, statements string) string {
	t.Helper()
	out, err := c.Query(db, statements)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Query is SQL for programs that are no tests.
func (c *Cluster) Query(db, statements string) (string, error) {
	return c.psql(c.AdminDSN(db), strings.NewReader(statements))
}

// psql feeds statements to psql and stops at the first error.
func (c *Cluster) psql(dsn string, statements io.Reader) (string, error) {
	return c.PSQL(context.Background(), dsn, statements)
}

// Start makes a cluster with the role of FOSSology. Tests call [Postgres].
func Start() (*Cluster, error) {
	made, err := fossology.StartCluster()
	if err != nil {
		return nil, err
	}
	c := &Cluster{made}
	if _, err := c.psql(c.AdminDSN("postgres"), strings.NewReader("CREATE ROLE fossy LOGIN CREATEDB PASSWORD 'fossy'")); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}
