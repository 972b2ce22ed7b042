package fossology

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Views are views of one moment after the other, over the same connections: to make one
// costs a server more than to answer what is asked of a single batch.
type Views struct {
	db   *Database
	mu   sync.Mutex
	idle []*pgx.Conn // without a transaction
	done bool
}

// Views returns views of the database. They must be closed.
func (d *Database) Views() *Views { return &Views{db: d} }

// View opens a view of the present moment, as [Database.View] does. When it is closed
// its connections are those of the next one.
func (w *Views) View(ctx context.Context) (*View, error) {
	return w.db.view(ctx, w)
}

// Close closes the connections that wait; those of a view that is open end with it.
func (w *Views) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	for _, conn := range w.idle {
		cut(conn)
	}
	w.idle = nil
	return nil
}

// begin begins a transaction, on a connection that waits if there is one. The server may
// have closed it: then another is taken.
func (v *View) begin(ctx context.Context, sql string) (*pgx.Conn, error) {
	for {
		conn := v.views.waiting()
		fresh := conn == nil
		if fresh {
			var err error
			if conn, err = v.db.connect(ctx); err != nil {
				return nil, err
			}
		}
		_, err := conn.Exec(ctx, sql)
		if err == nil {
			return conn, nil
		}
		cut(conn)
		if fresh {
			return nil, err
		}
	}
}

// waiting returns a connection that waits, or nil.
func (w *Views) waiting() *pgx.Conn {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.idle)
	if n == 0 {
		return nil
	}
	conn := w.idle[n-1]
	w.idle = w.idle[:n-1]
	return conn
}

// keep ends a connection's transaction and takes it back; it says whether it did.
func (w *Views) keep(conn *pgx.Conn) bool {
	if w == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	if _, err := conn.Exec(ctx, `ROLLBACK`); err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done || len(w.idle) > maxIdle {
		return false
	}
	w.idle = append(w.idle, conn)
	return true
}
