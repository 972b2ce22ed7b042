package fossology

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Database is a connection to FOSSology's database. It may be used by several
// goroutines; they take turns. A connection that the server has closed is made
// anew at the next call.
type Database struct {
	// LockTimeout is how long a view opened from now on waits for a lock that another session holds on a table; 0 is
	// for ever. FOSSology may stand still meanwhile.
	LockTimeout time.Duration

	config  *pgx.ConnConfig
	version int
	name    string
	coding  string

	mu   sync.Mutex
	conn *pgx.Conn
}

// connectTimeout limits the making of a connection where the DSN does not.
const connectTimeout = 30 * time.Second

// Connect connects to the database that a [DSN], or a string of that form,
// names. An error is of type *[ConnectError].
func Connect[S ~string](ctx context.Context, dsn S) (*Database, error) {
	d, err := connect(ctx, DSN(dsn))
	if err != nil {
		return nil, &ConnectError{DSN: DSN(dsn), Err: err}
	}
	return d, nil
}

func connect(ctx context.Context, dsn DSN) (*Database, error) {
	config, err := clientSide(dsn)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["client_encoding"] = "UTF8"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "repotool"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	d := &Database{config: config}
	if d.conn, err = d.connect(ctx); err != nil {
		return nil, err
	}
	err = d.conn.QueryRow(ctx, `SELECT current_setting('server_version_num'), current_database()::text, current_setting('server_encoding')`).
		Scan(&textInt{&d.version}, &d.name, &d.coding)
	if err == nil && d.coding == notEncoded {
		// Such a server does not know what its bytes mean, and would refuse to send those
		// that are no UTF-8: names of files in Latin-1, which old installations have.
		config.RuntimeParams["client_encoding"] = notEncoded
		_, err = d.conn.Exec(ctx, "SET client_encoding = "+notEncoded)
	}
	if err != nil {
		d.conn.Close(ctx)
		return nil, err
	}
	return d, nil
}

// notEncoded is the encoding of a database that takes bytes as they come.
const notEncoded = "SQL_ASCII"

// unlimited lifts those limits that the server knows: versions differ.
const unlimited = `SELECT set_config(name, '0', false) FROM pg_settings
	WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout')`

// connect makes a connection without limits of the server's on how long a
// statement or a pause may be: a backup takes the time that it takes. Only a lock
// that somebody forgot is not waited for longer than LockTimeout.
func (d *Database) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, d.config.Copy())
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d; %s", d.LockTimeout.Milliseconds(), unlimited))
	if err != nil {
		conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// use lends the connection to f.
func (d *Database) use(ctx context.Context, f func(*pgx.Conn) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil || d.conn.IsClosed() {
		conn, err := d.connect(ctx)
		if err != nil {
			return err
		}
		d.conn = conn
	}
	return f(d.conn)
}

// Close ends the connection. Views have connections of their own.
func (d *Database) Close(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil {
		return nil
	}
	err := d.conn.Close(ctx)
	d.conn = nil
	return err
}

// ServerVersion returns the version of the server as a number, 150020 for 15.20.
func (d *Database) ServerVersion() int { return d.version }

// Name returns the name of the database.
func (d *Database) Name() string { return d.name }

// Encoding returns the encoding of the database, for example UTF8.
func (d *Database) Encoding() string { return d.coding }

// textInt scans a decimal number that comes as text.
type textInt struct{ n *int }

func (t *textInt) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("scan number: found %T", src)
	}
	n, err := strconv.Atoi(s)
	*t.n = n
	return err
}

// A ConnectError says why there is no connection to the database.
type ConnectError struct {
	DSN DSN
	Err error
}

func (e *ConnectError) Error() string {
	var parse *pgconn.ParseConfigError
	if errors.As(e.Err, &parse) {
		// The text of a ParseConfigError holds the address once more.
		return "connect to database: address " + strconv.Quote(e.DSN.String()) + " is not a libpq connection string"
	}
	return "connect to database: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *ConnectError) Unwrap() error { return e.Err }

// Hint says what the administrator can do.
func (e *ConnectError) Hint() string {
	var own *hintError
	if errors.As(e.Err, &own) {
		return own.hint
	}
	var parse *pgconn.ParseConfigError
	if errors.As(e.Err, &parse) {
		return "write it as in: host=localhost dbname=fossology user=fossy password=…"
	}
	var pg *pgconn.PgError
	if !errors.As(e.Err, &pg) {
		return "is PostgreSQL running, and does it listen where Db.conf (or --database-dsn) says?"
	}
	switch pg.Code {
	case "28P01", "28000":
		return "check user and password in Db.conf (or --database-dsn), and pg_hba.conf of the server"
	case "3D000":
		return "check dbname in Db.conf, or --database-dsn"
	case "53300":
		return "the server has no connection left: raise max_connections or try again later"
	case "57P03":
		return "the server is starting or stopping: try again in a moment"
	}
	return ""
}

// adviseOn adds advice to the error of a statement: one that waited too long for a
// lock, or one that asked for a table which every FOSSology has.
func adviseOn(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case "55P03":
		return &hintError{text: "a table is locked by another session", err: err,
			hint: "see pg_locks and pg_stat_activity for who holds the lock; run again when it is gone"}
	case "42P01", "42703":
		return &hintError{text: "this is no database of FOSSology", err: err,
			hint: "check dbname in Db.conf, or --database-dsn"}
	}
	return err
}
