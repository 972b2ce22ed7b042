package fossology

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// This file has what restore needs: making a database beside the old one and
// putting it in its place. Each operation names its database; none is done to
// the database of the connection itself, which is usually postgres or template1.

// DatabaseInfo describes a database of the server.
type DatabaseInfo struct {
	Name     string
	Owner    string
	Encoding string
	Collate  string
	Ctype    string
	Size     int64 // bytes on the server's disk, 0 if not allowed to know
}

// Databases returns the names of the databases that can be connected to, without
// the templates.
func (d *Database) Databases(ctx context.Context) ([]string, error) {
	return d.names(ctx, "databases", `SELECT datname::text FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1`)
}

// Tablespaces returns the names of the server's tablespaces.
func (d *Database) Tablespaces(ctx context.Context) ([]string, error) {
	return d.names(ctx, "tablespaces", `SELECT spcname::text FROM pg_tablespace ORDER BY 1`)
}

func (d *Database) names(ctx context.Context, what, sql string) (names []string, err error) {
	err = d.use(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sql)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	return names, nil
}

// DatabaseExists reports whether the server has a database of this name.
func (d *Database) DatabaseExists(ctx context.Context, name string) (found bool, err error) {
	err = d.use(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&found)
	})
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", name, err)
	}
	return found, nil
}

// DatabaseInfo describes one database. If there is none of this name the error
// is [ErrNoDatabase].
func (d *Database) DatabaseInfo(ctx context.Context, name string) (DatabaseInfo, error) {
	i := DatabaseInfo{Name: name}
	err := d.use(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT pg_get_userbyid(datdba)::text, pg_encoding_to_char(encoding)::text, coalesce(datcollate::text, ''), coalesce(datctype::text, ''),
			CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) ELSE 0 END
			FROM pg_database WHERE datname = $1`, name).Scan(&i.Owner, &i.Encoding, &i.Collate, &i.Ctype, &i.Size)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoDatabase
	}
	if err != nil {
		return DatabaseInfo{}, fmt.Errorf("describe database %s: %w", name, err)
	}
	return i, nil
}

// ErrNoDatabase means that the server has no database of the name asked for.
var ErrNoDatabase = errors.New("no such database")

// A Role is what the role of a connection may do.
type Role struct {
	Name           string
	Superuser      bool
	CreateDatabase bool
	CreateRole     bool
}

// Role returns the role of the connection.
func (d *Database) Role(ctx context.Context) (Role, error) {
	var r Role
	err := d.use(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT rolname::text, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user`).
			Scan(&r.Name, &r.Superuser, &r.CreateDatabase, &r.CreateRole)
	})
	if err != nil {
		return Role{}, fmt.Errorf("read own role: %w", err)
	}
	return r, nil
}

// DropDatabase removes a database and ends the sessions that use it. It is no
// error if there is none.
func (d *Database) DropDatabase(ctx context.Context, name string) error {
	sql := "DROP DATABASE IF EXISTS " + quoteIdentifier(name)
	if d.version >= 130000 {
		sql += " WITH (FORCE)"
	} else if err := d.admin(ctx, "end sessions of database "+name, endSessions, name); err != nil {
		return err
	}
	return d.admin(ctx, "drop database "+name, sql)
}

// DropIdleDatabase removes a database unless a session uses it; that is an error.
func (d *Database) DropIdleDatabase(ctx context.Context, name string) error {
	return d.admin(ctx, "drop database "+name, "DROP DATABASE IF EXISTS "+quoteIdentifier(name))
}

func (d *Database) admin(ctx context.Context, what, sql string, args ...any) error {
	err := d.use(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, withAdminHint(err))
	}
	return nil
}

// endSessions ends the sessions of the databases named by the arguments.
const endSessions = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()`

// Tries and pause of SwapDatabase: a busy web server connects again at once, so
// ending its sessions may have to be repeated until the rename comes first.
const (
	swapTries = 20
	swapPause = 100 * time.Millisecond
)

// SwapDatabase gives the database fresh the name name, and the one that had it
// before, if any, the name kept. Both happen or neither. Sessions of both are
// ended; programs that connect again find the new one.
func (d *Database) SwapDatabase(ctx context.Context, fresh, name, kept string) error {
	var err error
	for range swapTries {
		err = d.use(ctx, func(conn *pgx.Conn) error { return swap(ctx, conn, fresh, name, kept) })
		var pg *pgconn.PgError
		if err == nil || !errors.As(err, &pg) || pg.Code != "55006" { // object_in_use
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("put database %s in the place of %s: %w", fresh, name, ctx.Err())
		case <-time.After(swapPause):
		}
	}
	if err != nil {
		return fmt.Errorf("put database %s in the place of %s: %w", fresh, name, withAdminHint(err))
	}
	return nil
}

func swap(ctx context.Context, conn *pgx.Conn, fresh, name, kept string) error {
	var old bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&old)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		renames := [][2]string{{fresh, name}}
		if old {
			renames = [][2]string{{name, kept}, {fresh, name}}
		}
		for _, r := range renames {
			if _, err := tx.Exec(ctx, endSessions, r[0]); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "ALTER DATABASE "+quoteIdentifier(r[0])+" RENAME TO "+quoteIdentifier(r[1])); err != nil {
				return err
			}
		}
		return nil
	})
}

// withAdminHint adds advice to an error of an operation of this file.
func withAdminHint(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case "42501": // insufficient_privilege
		return &hintError{text: "not allowed", err: err, hint: "connect as a role that may create databases and owns FOSSology's, or as a superuser"}
	case "55006": // object_in_use
		return &hintError{text: "in use", err: err, hint: "stop the web server and whatever else uses the database, then try again"}
	}
	return err
}

func quoteIdentifier(s string) string { return pgx.Identifier{s}.Sanitize() }

func quoteLiteral(s string) string {
	if strings.Contains(s, `\`) {
		return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
