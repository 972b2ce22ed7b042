package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"repotool/fossology"
)

//go:embed schema.sql
var schema string

// A Site is a generated installation: a repository, the database that says what is in it,
// in a PostgreSQL of its own, and a configuration that names both. Nothing listens where it
// says that the scheduler does.
type Site struct {
	Repository string
	Sysconf    string
	cluster    *fossology.Cluster
}

// database is the name of a site's.
const database = "fossology"

// NewSite starts the PostgreSQL, makes the tables, and writes the configuration below dir;
// the repository is to be made.
func NewSite(ctx context.Context, dir, repository string) (*Site, error) {
	cluster, err := fossology.StartCluster()
	if err != nil {
		return nil, err
	}
	s := &Site{Repository: repository, Sysconf: filepath.Join(dir, "etc"), cluster: cluster}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, cluster.Stop())
	}
	return s, nil
}

func (s *Site) begin(ctx context.Context) error {
	if _, err := s.cluster.PSQL(ctx, s.cluster.AdminDSN("postgres"), strings.NewReader("CREATE DATABASE "+database)); err != nil {
		return err
	}
	if _, err := s.cluster.PSQL(ctx, s.DSN(), strings.NewReader(schema)); err != nil {
		return err
	}
	conf := "[FOSSOLOGY]\nport = 1\naddress = 127.0.0.1\ndepth = 3\npath = " + s.Repository +
		"\n[HOSTS]\nlocalhost = localhost " + s.Sysconf + " 10\n[REPOSITORY]\nlocalhost[] = * 00 ff\n"
	return errors.Join(
		os.MkdirAll(filepath.Join(s.Sysconf, "mods-enabled"), 0o755),
		os.WriteFile(filepath.Join(s.Sysconf, "fossology.conf"), []byte(conf), 0o644),
		os.WriteFile(filepath.Join(s.Sysconf, "Db.conf"), []byte(strings.Join(strings.Fields(s.DSN()), ";\n")+";\n"), 0o600),
		os.WriteFile(filepath.Join(s.Sysconf, "VERSION"), []byte("[BUILD]\nVERSION=4.7.0\nCOMMIT_HASH=made\nBUILD_DATE=2026/11/23 03:50 UTC\n"), 0o644))
}

// DSN reaches the database as its owner.
func (s *Site) DSN() string { return s.cluster.AdminDSN(database) }

// Rows says where rows of the repository go.
func (s *Site) Rows() *Rows { return &Rows{DSN: s.DSN(), Bin: s.cluster.Bin} }

// Drop removes a database that a restore has made.
func (s *Site) Drop(ctx context.Context, name string) error {
	_, err := s.cluster.PSQL(ctx, s.cluster.AdminDSN("postgres"),
		strings.NewReader(fmt.Sprintf("SET client_min_messages = error; DROP DATABASE IF EXISTS %s WITH (FORCE)", name)))
	return err
}

// Bin is the directory of pg_dump and psql.
func (s *Site) Bin() string { return s.cluster.Bin }

// Close ends the PostgreSQL and removes its data.
func (s *Site) Close() error { return s.cluster.Stop() }
