package snapshot

import (
	"context"
	"errors"
	"strings"
)

// globals dumps the roles and tablespaces of the cluster. Only a superuser can read the passwords of the roles
// (their hashes, in pg_authid); who is none gets a dump without them, and a warning.
func (d *dumper) globals(ctx context.Context) error {
	pieces, t, err := d.dumpGlobals(ctx)
	var refused *DumpError
	// The name of the catalogue is in the message whatever language the server speaks.
	if errors.As(err, &refused) && strings.Contains(refused.Stderr, "pg_authid") {
		pieces, t, err = d.dumpGlobals(ctx, "--no-role-passwords")
		if err == nil {
			d.warn(NoPasswords, "the passwords of the roles are not in the dump: the database user is no superuser",
				"roles that a restore has to create will have no password: set them with ALTER ROLE ... PASSWORD, "+
					"or name a superuser's connection for the globals")
		}
	}
	if err != nil {
		return err
	}
	d.warnLines(t)
	d.add("globals.sql", "", FormatGlobals, pieces)
	return nil
}

// dumpGlobals runs pg_dumpall once.
func (d *dumper) dumpGlobals(ctx context.Context, more ...string) ([]DumpPiece, *pgTool, error) {
	conn := d.conn
	if d.opt.GlobalsDSN != "" {
		var err error
		if conn, err = newConnection(d.opt.GlobalsDSN); err != nil {
			return nil, nil, err
		}
	}
	// --database: where it connects to; else it insists on postgres or template1, which may be closed to us.
	args := append([]string{"--globals-only", "--no-password", conn.arg(),
		"--database=" + d.dump.Main}, more...)
	if d.dump.RestrictKey != "" {
		args = append(args, "--restrict-key="+d.dump.RestrictKey)
	}
	t := newTool(d.opt.PgBin, "pg_dumpall", conn, d.dump.Main, args...)
	var pieces []DumpPiece
	watch, err := t.stream(ctx, func(r pipe) (err error) {
		pieces, err = d.sink.cut(ctx, r)
		return err
	})
	if err == nil && !watch.endsWith(trailerCluster) {
		err = t.cutShort()
	}
	return pieces, t, err
}
