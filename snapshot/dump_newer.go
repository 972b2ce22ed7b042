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
	begun bool
	head  []byte // read, and not yet passed on
	err   error  // of the reading of it
}

// preamble is more than any pg_dump writes before its settings.
const preamble = 4 << 10

func (w *withoutTimeout) Read(b []byte) (int, error) {
	if !w.begun {
		w.begun = true
		w.begin()
	}
	if len(w.head) > 0 {
		n := copy(b, w.head)
		w.head = w.head[n:]
		return n, nil
	}
	if w.err != nil {
		return 0, w.err
	}
	return w.pipe.Read(b)
}

func (w *withoutTimeout) begin() {
	head := make([]byte, preamble)
	n, err := io.ReadFull(w.pipe, head)
	if w.head = head[:n]; errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	w.err = err
	end := bytes.Index(w.head, encodingWords)
	if at := bytes.Index(w.head, timeoutLine); at >= 0 && at < end {
		w.head = append(w.head[:at], w.head[at+len(timeoutLine)-1:]...) // the line break before it stays
	}
}

// checkDirectoryTool refuses to dump into a directory what pg_restore, which sets the same
// and of which nothing can be left out, could not bring back.
func (d *dumper) checkDirectoryTool(tool PostgresVersion) error {
	server := PostgresVersion(d.dump.ServerVersion)
	if d.opt.Mode != DumpDirectory || tool < timeoutSince || server >= timeoutSince {
		return nil
	}
	return &DumpError{Tool: "pg_dump", Database: d.dump.Main, Err: ErrToolNewer,
		Reason: fmt.Sprintf("a directory of version %s cannot be restored into a server of %s", tool.Major(), server.Major()),
		Advice: fmt.Sprintf("name the directory of the tools of version %s (--pg-bin), or dump as plain SQL (--database plain)", server.Major())}
}
