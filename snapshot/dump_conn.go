package snapshot

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"repotool/fossology"
)

// connection is how a tool reaches a database: the address goes into its arguments, which anybody can read
// (ps), the password into its environment.
type connection struct {
	address  fossology.DSN // without password
	password string
}

func newConnection(dsn fossology.DSN) (connection, error) {
	address, password, err := dsn.SplitPassword()
	return connection{address, password}, err
}

// database returns the connection to another database of the same server.
func (c connection) database(name string) (connection, error) {
	var err error
	c.address, err = c.address.WithDatabase(name)
	return c, err
}

// arg is the argument for a tool.
func (c connection) arg() string { return "--dbname=" + string(c.address) }

// environ is the environment of a tool: ours, with the password, with messages in English, which advice can
// recognise, and with a limit for connecting, since at night nobody is there to interrupt it.
func (c connection) environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "PGCLIENTENCODING=") || strings.HasPrefix(e, "LC_ALL=") ||
			strings.HasPrefix(e, "PGPASSWORD=") && c.password != ""
	})
	env = append(env, "LC_ALL=C")
	if c.password != "" {
		env = append(env, "PGPASSWORD="+c.password)
	}
	if os.Getenv("PGCONNECT_TIMEOUT") == "" {
		env = append(env, fmt.Sprintf("PGCONNECT_TIMEOUT=%d", connectSeconds))
	}
	return env
}

// environCommand is the environment of the user's command: a tool's, with the address in REPOTOOL_DSN, so
// that "sh -c 'pg_dump -Fc -d "$REPOTOOL_DSN"'" works and shows no password.
func (c connection) environCommand() []string {
	return append(c.environ(), "REPOTOOL_DSN="+string(c.address))
}

// connectSeconds is how long a tool tries to connect.
const connectSeconds = 30
