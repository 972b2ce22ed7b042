package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A pg_dump of PostgreSQL 17 or newer sets transaction_timeout, whatever server it dumps; an
// older server knows no such setting, so that a dump of it could not be loaded again into
// itself ("unrecognized configuration parameter"; -v ON_ERROR_STOP=1 stops there). The line
// is left out: it says what is the default anyway.
const timeoutSince PostgresVersion = 170000

var (
	timeoutLine   = []byte("\nSET transaction_timeout = 0;\n")
	encodingWords = []byte("\nSET client_encoding = ") // behind it comes what the database holds
)

// loadable is pg_dump's plain SQL as the server that it was made of can load it.
func loadable(r pipe, server PostgresVersion) pipe {
	if server >= timeoutSince {
		return r
	}
	return &withoutTimeout{pipe: r}
}

// withoutTimeout leaves the line out of the beginning of a dump.
type withoutTimeout struct {
	pipe
	rest io.Reader // nil: nothing was read yet
}

// preamble is more than any pg_dump writes before its settings.
const preamble = 4 << 10

func (w *withoutTimeout) Read(b []byte) (int, error) {
	if w.rest == nil {
		if err := w.begin(); err != nil {
			return 0, err
		}
	}
	return w.rest.Read(b)
}

func (w *withoutTimeout) begin() error {
	head := make([]byte, preamble)
	n, err := io.ReadFull(w.pipe, head)
	if head = head[:n]; err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	end := bytes.Index(head, encodingWords)
	if at := bytes.Index(head, timeoutLine); at >= 0 && at < end {
		head = append(head[:at], head[at+len(timeoutLine)-1:]...) // the line break before it stays
	}
	w.rest = io.MultiReader(bytes.NewReader(head), w.pipe)
	return nil
}

// DirectoryLoads says whether a directory that tools of that version dump can be restored by
// them into that server.
func DirectoryLoads(tool, server PostgresVersion) bool {
	return tool < timeoutSince || server >= timeoutSince
}

// checkDirectoryTool refuses to dump into a directory what pg_restore, which sets the same
// and of which nothing can be left out, could not bring back.
func (d *dumper) checkDirectoryTool(tool PostgresVersion) error {
	server := PostgresVersion(d.dump.ServerVersion)
	if d.opt.Mode != DumpDirectory || DirectoryLoads(tool, server) {
		return nil
	}
	return &DumpError{Tool: "pg_dump", Database: d.dump.Main, Err: ErrToolNewer,
		Reason: fmt.Sprintf("a directory of version %s cannot be restored into a server of %s", tool.Major(), server.Major()),
		Advice: fmt.Sprintf("name the directory of the tools of version %s (--pg-bin), or dump as plain SQL (--database plain)", server.Major())}
}
