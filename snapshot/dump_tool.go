package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// The first and last words of PostgreSQL's plain dumps.
const (
	headerDatabase  = "--\n-- PostgreSQL database dump\n--\n"
	trailerDatabase = "--\n-- PostgreSQL database dump complete\n--\n"
	headerCluster   = "--\n-- PostgreSQL database cluster dump\n--\n"
	trailerCluster  = "--\n-- PostgreSQL database cluster dump complete\n--\n"
)

// pgTool is one call of a program.
type pgTool struct {
	path     string // what is run
	name     string // what it is called in messages
	database string // what it works on, for messages
	args     []string
	env      []string
	grace    time.Duration // between SIGTERM and SIGKILL; 0: toolGrace
	stderr   tail
}

// newTool prepares a call of one of PostgreSQL's programs.
func newTool(bin, name string, conn connection, database string, args ...string) *pgTool {
	path := name
	if bin != "" {
		path = filepath.Join(bin, name)
	}
	return &pgTool{path: path, name: name, database: database, args: args, env: conn.environ()}
}

func (d *dumper) tool(name, database string, args ...string) *pgTool {
	return newTool(d.opt.PgBin, name, d.conn, database, args...)
}

// stream runs the tool and lets use read its standard output. It returns what the output began and
// ended with. The tool's failure is the error, unless use failed first.
func (t *pgTool) stream(ctx context.Context, use func(pipe) error) (*watcher, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := t.command(ctx)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, t.failed(ctx, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, t.failed(ctx, err)
	}
	// A process that the tool left behind may hold the pipe open: what is cancelled is not read on.
	defer context.AfterFunc(ctx, func() { out.Close() })()
	w := &watcher{pipe: out}
	useErr := use(w)
	parent := ctx.Err()
	if useErr != nil {
		cancel()
	}
	waitErr := cmd.Wait()
	switch {
	case parent != nil:
		return nil, fmt.Errorf("run %s: %w", t.name, parent)
	case useErr != nil:
		return nil, useErr
	case waitErr != nil:
		return nil, t.failed(ctx, waitErr)
	case toolError.Match(t.stderr.Bytes()):
		return nil, t.failed(ctx, errors.New("exit status 0, but it reports an error"))
	}
	return w, nil
}

// toolError is how PostgreSQL's programs begin the message of an error.
var toolError = regexp.MustCompile(`(?m)^pg_(dump|dumpall|restore): (error|fatal):`)

// output runs the tool and returns its standard output, which must be small.
func (t *pgTool) output(ctx context.Context, stdin string) ([]byte, error) {
	cmd := t.command(ctx)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = strings.NewReader(stdin), &out
	if err := cmd.Run(); err != nil {
		return nil, t.failed(ctx, err)
	}
	return out.Bytes(), nil
}

// failed makes the error of a tool that did not do its work.
func (t *pgTool) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("run %s: %w", t.name, context.Cause(ctx))
	}
	e := &DumpError{Tool: t.name, Database: t.database, Reason: err.Error(), Stderr: t.stderr.String(), Err: err}
	e.Advice = advice(e)
	return e
}

// cutShort is the error of a dump that ended, apparently well, before its end.
func (t *pgTool) cutShort() error {
	return &DumpError{Tool: t.name, Database: t.database, Stderr: t.stderr.String(), Err: ErrCutShort,
		Reason: ErrCutShort.Error(),
		Advice: "nothing of it was kept; see the log of PostgreSQL for what happened at that time, then run again"}
}

// watcher reads a stream and remembers how it begins and ends.
type watcher struct {
	pipe
	n    int64
	head []byte
	last []byte
}

const watched = 512 // the trailer is followed by an \unrestrict line of up to some 80 bytes

func (w *watcher) Read(b []byte) (int, error) {
	n, err := w.pipe.Read(b)
	w.n += int64(n)
	if miss := watched - len(w.head); miss > 0 {
		w.head = append(w.head, b[:min(n, miss)]...)
	}
	if n >= watched {
		w.last = append(w.last[:0], b[n-watched:n]...)
	} else {
		w.last = append(w.last, b[:n]...)
		w.last = w.last[max(0, len(w.last)-watched):]
	}
	if errors.Is(err, os.ErrClosed) { // Wait or a cancelled context closed it; the reason is theirs
		err = errStreamClosed
	}
	return n, err
}

var errStreamClosed = errors.New("stream closed")

func (w *watcher) beginsWith(s string) bool { return bytes.HasPrefix(w.head, []byte(s)) }
func (w *watcher) endsWith(s string) bool   { return bytes.Contains(w.last, []byte(s)) }

// tail keeps the last few kilobytes that are written to it.
type tail struct{ b []byte }

func (t *tail) Write(b []byte) (int, error) {
	const most = 8 << 10
	t.b = append(t.b, b...)
	if len(t.b) > 2*most {
		t.b = append(t.b[:0], t.b[len(t.b)-most:]...)
	}
	return len(b), nil
}

func (t *tail) Bytes() []byte  { return t.b }
func (t *tail) String() string { return string(t.b) }

// versionPatience is how long a tool may take to say something of itself.
const versionPatience = time.Minute

// asked returns what a tool says of itself.
func (d *dumper) asked(ctx context.Context, name, question string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, versionPatience)
	defer cancel()
	return d.tool(name, d.dump.Main, question).output(ctx, "")
}

// checkTools refuses a pg_dump that is older than the server, or too new for what is asked of it, and settles the
// \restrict key.
func (d *dumper) checkTools(ctx context.Context) error {
	for _, name := range []string{"pg_dump", "pg_dumpall"} {
		out, err := d.asked(ctx, name, "--version")
		if err != nil {
			return err
		}
		text := strings.TrimSpace(string(out))
		if name == "pg_dump" {
			d.dump.Tool = text
		}
		v, ok := ParsePostgresVersion(text)
		server := PostgresVersion(d.dump.ServerVersion)
		if name == "pg_dump" {
			if err := d.checkDirectoryTool(v); err != nil {
				return err
			}
		}
		if ok && v.OlderThan(server) {
			return &DumpError{Tool: name, Database: d.dump.Main, Err: ErrToolOlder,
				Reason: fmt.Sprintf("version %s is older than the server's %s", v.Major(), server.Major()),
				Advice: fmt.Sprintf("install the tools of the server's version (Debian: apt-get install postgresql-client-%s) or name their directory", server.Major())}
		}
	}
	out, err := d.asked(ctx, "pg_dump", "--help")
	if err != nil {
		return err
	}
	if bytes.Contains(out, []byte("--restrict-key")) {
		if d.dump.RestrictKey = d.opt.RestrictKey; d.dump.RestrictKey == "" {
			d.dump.RestrictKey = newRestrictKey()
		}
	}
	return nil
}
