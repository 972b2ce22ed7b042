package snapshot

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// What can be wrong with a dump; a DumpError wraps them.
var (
	// ErrCutShort: the tool said all is well but did not write the dump to its end.
	ErrCutShort = errors.New("the dump is not complete, though its tool ended without error")
	// ErrRows: the tool said all is well but the dump has other rows than the database.
	ErrRows = errors.New("the dump does not hold the rows of the database")
	// ErrToolOlder: pg_dump does not know a server newer than itself.
	ErrToolOlder = errors.New("the tool is older than the server")
	// ErrToolNewer: what pg_dump writes could not be loaded into a server older than itself.
	ErrToolNewer = errors.New("the tool is newer than the server")
)

// A DumpError says why a database could not be dumped, or a tool of PostgreSQL did not do its work.
type DumpError struct {
	Tool     string // pg_dump, psql ..., or the user's command
	Database string
	Reason   string
	Stderr   string // the end of what the tool wrote there
	Advice   string
	Err      error // may be nil
}

func (e *DumpError) Error() string {
	var s strings.Builder
	if e.Database != "" {
		fmt.Fprintf(&s, "database %s: ", e.Database)
	}
	if e.Tool != "" {
		fmt.Fprintf(&s, "%s: ", e.Tool)
	}
	s.WriteString(e.Reason)
	if line := lastLine(e.Stderr); line != "" {
		fmt.Fprintf(&s, ": %s", line)
	}
	return s.String()
}

// Unwrap returns the cause.
func (e *DumpError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *DumpError) Hint() string { return e.Advice }

// lastLine is the line of a tool's messages that says most: the first error, else the last line.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for _, l := range lines {
		if strings.Contains(l, "ERROR:") || strings.Contains(l, "FATAL:") || strings.Contains(l, "error:") {
			return strings.TrimSpace(l)
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}

// advice guesses what to do from what a tool said. Servers speak many languages; what is not recognised
// has no advice, and the tool's own words are in the error.
func advice(e *DumpError) string {
	if errors.Is(e.Err, exec.ErrNotFound) || strings.Contains(e.Reason, "no such file") {
		return "install PostgreSQL's client programs (Debian: apt-get install postgresql-client) or name their directory"
	}
	if strings.Contains(e.Stderr, "transaction_timeout") {
		return adviceOnTimeout(e.Tool)
	}
	for _, a := range []struct{ word, advice string }{
		{"password authentication failed", "see user and password in Db.conf; 'psql' with the same words must be able to connect"},
		{"no password supplied", "the server wants a password: put password= into Db.conf"},
		{"fe_sendauth", "the server wants a password: put password= into Db.conf"},
		{"Connection refused", "is PostgreSQL running, and on that host and port?"},
		{"extension control file", "install the extension on the server (Debian: apt-get install postgresql-contrib), then run again"},
		{"No such file or directory", "is PostgreSQL running, and on that socket?"},
		{"could not translate host name", "see host in Db.conf"},
		{"does not exist", "see dbname and user in Db.conf"},
		{"No space left", "free some space and run again"},
		{"statement timeout", "somebody holds a lock on a table for long (see pg_locks); run again when it is gone"}, // pg_dump's --lock-wait-timeout
		{"lock timeout", "somebody holds a lock on a table for long (see pg_locks); run again when it is gone"},
		{"permission denied", "the user of Db.conf may not read everything: dump as the owner of the database or as a superuser"},
		{"must be owner", "load as a superuser: give the restore a DSN of one"},
		{"must be able to SET ROLE", "load as a superuser: give the restore a DSN of one"},
		{"invalid command \\restrict", "psql is older than the pg_dump that made the dump: install a newer one"},
	} {
		if strings.Contains(e.Stderr, a.word) {
			return a.advice
		}
	}
	return ""
}

// adviceOnTimeout is for a server that does not know the setting: the tools of PostgreSQL set
// it themselves; what feeds a dump to the server has it from that.
func adviceOnTimeout(tool string) string {
	if strings.HasPrefix(tool, "pg_") {
		return "a tool of PostgreSQL 17 or newer meets an older server: name the directory of the tools of its version (--pg-bin)"
	}
	return "the dump is for PostgreSQL 17 or newer, and the server is older: load it into a newer one, or by a command that leaves the line out (--load-command)"
}
