package fossology

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
)

// ErrNoUpload means that there is no upload with the number asked for.
var ErrNoUpload = errors.New("no such upload")

// check returns a *RowError if the last text scanned was no Name. A NULL is the
// lack of a row to refer to and no error.
func (s *nameScanner) check(table string, pk int64) error {
	if s.bad == "" {
		return nil
	}
	return &RowError{Table: table, PK: pk, Text: s.bad, Expected: expectedName}
}

// stream runs a query on a connection of its own, at the view's moment, and
// yields one value for each row as rows arrive.
func stream[T any](ctx context.Context, v *View, query string, args []any, scan func(pgx.CollectableRow) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := streamRows(ctx, v, query, args, func(rows pgx.Rows) (more bool, err error) {
			value, err := scan(rows)
			var bad *RowError
			if err != nil && !errors.As(err, &bad) {
				return false, err
			}
			return yield(value, err), nil
		})
		if err != nil {
			var zero T
			yield(zero, err)
		}
	}
}

// streamRows calls each for each row until it says that there is enough. The
// connection is closed rather than drained when rows remain.
func streamRows(ctx context.Context, v *View, query string, args []any, each func(pgx.Rows) (bool, error)) error {
	conn, err := v.take(ctx)
	if err != nil {
		return fmt.Errorf("open stream of rows: %w", err)
	}
	done := false
	defer func() {
		if done {
			v.give(conn)
		} else {
			cut(conn)
		}
	}()
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read rows: %w", adviseOn(err))
	}
	for rows.Next() {
		if more, err := each(rows); err != nil {
			return fmt.Errorf("read rows: %w", err)
		} else if !more {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read rows: %w", adviseOn(err))
	}
	done = true
	return nil
}

// maxIdle is how many connections a view keeps for the next streams.
const maxIdle = 4

// take returns a connection that sees the view's moment and that nobody else
// uses.
func (v *View) take(ctx context.Context) (*pgx.Conn, error) {
	v.idleMu.Lock()
	if n := len(v.idle); n > 0 {
		conn := v.idle[n-1]
		v.idle = v.idle[:n-1]
		v.idleMu.Unlock()
		return conn, nil
	}
	v.idleMu.Unlock()
	return v.begin(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '`+v.SnapshotID+`'`)
}

// give takes a connection back.
func (v *View) give(conn *pgx.Conn) {
	v.idleMu.Lock()
	defer v.idleMu.Unlock()
	if v.closed || len(v.idle) == maxIdle {
		cut(conn)
		return
	}
	v.idle = append(v.idle, conn)
}

// cut closes a connection without waiting for the server, which may be about to
// send millions of rows and then stops.
func cut(conn *pgx.Conn) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	conn.Close(ended)
}
