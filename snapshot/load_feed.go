package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// feedParts loads the parts of one database: its content first, then its properties, for a grant or a setting
// must not get into the way of loading.
func (l *loader) feedParts(ctx context.Context) error {
	var directory, properties []DumpPart
	for _, p := range l.parts {
		var err error
		switch p.Format {
		case FormatPlain:
			err = l.psql(ctx, p)
		case FormatCommand:
			err = l.command(ctx, p)
		case FormatDirectory:
			directory = append(directory, p)
		case FormatProperties:
			properties = append(properties, p)
		default:
			err = fmt.Errorf("%s has an unknown format %q", p.Path, p.Format)
		}
		if err != nil {
			return err
		}
	}
	if len(directory) > 0 {
		if err := l.directory(ctx, directory); err != nil {
			return err
		}
	}
	for _, p := range properties {
		if err := l.psql(ctx, p); err != nil {
			return err
		}
	}
	return l.analyze(ctx)
}

// psqlArgs make psql stop at the first error and read no file of the user's.
var psqlArgs = []string{"-X", "-q", "-w", "-v", "ON_ERROR_STOP=1"}

// psqlIn prepares a psql for the new database.
func (l *loader) psqlIn(database string, more ...string) (*pgTool, error) {
	conn, err := l.conn.database(database)
	args := append(slices.Clone(psqlArgs), conn.arg(), "--output="+os.DevNull)
	return newTool(l.PgBin, "psql", conn, database, append(args, more...)...), err
}

// psql feeds a part to psql.
func (l *loader) psql(ctx context.Context, p DumpPart) error {
	t, err := l.psqlIn(l.restored, "--file=-")
	if err != nil {
		return err
	}
	return l.feed(ctx, t, p)
}

// command feeds the output of the user's command to the user's other command. Without one, psql gets it, unless
// it is of the kind that would connect to the old database by its name.
func (l *loader) command(ctx context.Context, p DumpPart) error {
	if len(l.Command) == 0 {
		if err := CheckCommandDump(ctx, p, l.Open); err != nil {
			return err
		}
		return l.psql(ctx, p)
	}
	conn, err := l.conn.database(l.restored)
	if err != nil {
		return err
	}
	t := &pgTool{path: l.Command[0], name: l.Command[0], database: l.restored, args: l.Command[1:], env: conn.environCommand()}
	return l.feed(ctx, t, p)
}

// errEnough ends a WritePart whose writer has seen enough.
// CheckCommandDump refuses what a user's command for dumping wrote if psql cannot load it into a new database.
func CheckCommandDump(ctx context.Context, p DumpPart, open OpenObject) error {
	var head headWriter
	if _, err := WritePart(ctx, &head, p, open); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if bytes.HasPrefix(head.b, []byte(headerCluster)) {
		return &LoadError{Database: p.Database, Step: "load", Err: errors.New("the dump is one of a whole cluster"),
			Advice: "psql would write into the databases that it names, not into a new one: restore it by hand, or name a command"}
	}
	if !bytes.HasPrefix(head.b, []byte("--")) {
		return &LoadError{Database: p.Database, Step: "load", Err: errors.New("the dump is no plain SQL of pg_dump"),
			Advice: "name the command that restores what the command for dumping wrote"}
	}
	return nil
}

var errEnough = errors.New("enough")

// headWriter keeps the beginning of what is written to it.
type headWriter struct{ b []byte }

func (h *headWriter) Write(b []byte) (int, error) {
	h.b = append(h.b, b[:min(len(b), watched)]...)
	return 0, errEnough
}

// feed runs a tool and writes a part to its standard input. A piece that is wrong kills the tool: the end of its
// input must not look to it like the end of the dump.
func (l *loader) feed(ctx context.Context, t *pgTool, p DumpPart) error {
	toolCtx, kill := context.WithCancel(ctx)
	defer kill()
	cmd := t.command(toolCtx)
	in, err := cmd.StdinPipe()
	if err != nil {
		return t.failed(ctx, err)
	}
	if err := cmd.Start(); err != nil {
		return t.failed(ctx, err)
	}
	defer context.AfterFunc(ctx, func() { in.Close() })()
	to := newLoadWriter(in, PostgresVersion(l.Admin.ServerVersion()))
	n, err := WritePart(ctx, to, p, l.Open)
	if err == nil {
		err = to.flush()
	}
	l.loaded.Bytes += n
	var wrong *PieceError
	bad := errors.As(err, &wrong)
	if bad {
		kill()
	}
	in.Close()
	waitErr := cmd.Wait()
	switch {
	case bad:
		return err
	case waitErr != nil: // says why it did not read on
		return t.failed(ctx, waitErr)
	case errors.Is(err, syscall.EPIPE):
		return &DumpError{Tool: t.name, Database: t.database, Stderr: t.stderr.String(),
			Reason: "it ended well, but did not read the dump to its end"}
	}
	return err
}

// directory puts pg_dump's directory together again and lets pg_restore load it.
func (l *loader) directory(ctx context.Context, parts []DumpPart) error {
	dir, err := os.MkdirTemp(l.TempDir, "load-*")
	if err != nil {
		return fmt.Errorf("make directory for dump: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, p := range parts {
		name := p.Path[strings.LastIndexByte(p.Path, '/')+1:]
		if name == "" || !filepath.IsLocal(name) {
			return fmt.Errorf("%q is no name of a file of a dump", p.Path)
		}
		if err := l.writeFile(ctx, filepath.Join(dir, name), p); err != nil {
			return err
		}
	}
	conn, err := l.conn.database(l.restored)
	if err != nil {
		return err
	}
	jobs := l.Jobs
	if jobs <= 0 {
		jobs = 2
	}
	t := newTool(l.PgBin, "pg_restore", conn, l.restored, "--no-password", conn.arg(), "--exit-on-error",
		fmt.Sprintf("--jobs=%d", jobs), dir)
	_, err = t.output(ctx, "")
	return err
}

func (l *loader) writeFile(ctx context.Context, name string, p DumpPart) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := WritePart(ctx, f, p, l.Open)
	l.loaded.Bytes += n
	return errors.Join(err, f.Close())
}

// analyze gathers the statistics that no dump holds; without them FOSSology is slow until autovacuum comes.
func (l *loader) analyze(ctx context.Context) error {
	t, err := l.psqlIn(l.restored, "--command=SET client_min_messages = error", "--command=ANALYZE")
	if err != nil {
		return err
	}
	if _, err := t.output(ctx, ""); err != nil {
		if ctx.Err() != nil {
			return err
		}
		l.warn("statistics were not gathered: "+err.Error(), "run ANALYZE in the database")
	}
	return nil
}

func (l *loader) warn(text, hint string) {
	l.loaded.Warnings = append(l.loaded.Warnings, DumpWarning{Kind: DatabaseWarning, Text: text, Hint: hint})
}

// readPart returns a part that is known to be small.
func (l *loader) readPart(ctx context.Context, p DumpPart) (string, error) {
	var b strings.Builder
	_, err := WritePart(ctx, &b, p, l.Open)
	return b.String(), err
}
