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
// is left out: it says what is the default anyway. So it is while dumping, and again while
// loading into such a server: a dump in the store may be of a newer one, of a user's command,
// or of a repotool that did not leave it out yet.
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
	w.rest = io.MultiReader(bytes.NewReader(leaveOutTimeout(head)), w.pipe)
	return nil
}

// leaveOutTimeout takes the line out of the beginning of a dump.
func leaveOutTimeout(head []byte) []byte {
	settings := head[:min(len(head), preamble)]
	at := bytes.Index(settings, timeoutLine)
	if at < 0 || at > bytes.Index(settings, encodingWords) {
		return head
	}
	return append(head[:at], head[at+len(timeoutLine)-1:]...) // the line break before it stays
}

// A loadWriter writes a dump on as a server can load it. It keeps the beginning back until
// that is whole, or is flushed.
type loadWriter struct {
	to   io.Writer
	head []byte
	past bool // the beginning was written
}

func newLoadWriter(to io.Writer, server PostgresVersion) *loadWriter {
	return &loadWriter{to: to, past: server >= timeoutSince}
}

// Write implements io.Writer.
func (w *loadWriter) Write(b []byte) (int, error) {
	if w.past {
		return w.to.Write(b)
	}
	if w.head = append(w.head, b...); len(w.head) < preamble {
		return len(b), nil
	}
	return len(b), w.flush()
}

func (w *loadWriter) flush() error {
	if w.past {
		return nil
	}
	w.past = true
	_, err := w.to.Write(leaveOutTimeout(w.head))
	w.head = nil
	return err
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
